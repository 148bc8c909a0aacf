// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A matrix or a vector that an epilogue reads or writes in addition to C. A pack, N neighbouring elements of a row, is
// loaded or stored as a whole if its columns are contiguous, aligned (CPU lanes need no alignment) and in bounds;
// otherwise each element is one access. The alignment is a value at run time, the same for all lanes, and not a
// template argument, which would multiply the number of kernels.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/core/operand.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// A matrix of T with any strides. T is const if the matrix is only read. A vector is represented as a matrix of one
/// row with a row stride of 0: every row index gives the same elements.
template <class T>
class operand_matrix {
public:
  explicit operand_matrix(const tensor_view<T, 2>& v) : all_(for_kernel<T>(v)), aligned_(alignment()) {}
  explicit operand_matrix(const tensor_view<T, 1>& v)
      : all_{gmem_ptr<T>(v.pointer), 1, v.extents[0], 0, v.strides[0]}, aligned_(alignment()) {}

  /// Loads N elements of a row, from (row, column) on, and converts them to S; elements after the last column are zero.
  template <class S, int N, class Lane>
  TILERY_SIMT pack<S, N> load(Lane lane, int row, int column) const {
    if (whole<N, Lane>(column)) return convert<S>(lane.load(all_.at(row, column), width<N>));
    auto values = splat<N>(S(0));
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < N; ++i)
      if (column + i < all_.columns) values.set(i, convert<S>(lane.load(all_.at(row, column + i))));
    return values;
  }
  /// Converts N elements to T, and stores them to a row, from (row, column) on; elements after the last column are not
  /// stored.
  template <class Lane, class S, int N>
  TILERY_SIMT void store(Lane lane, pack<S, N> values, int row, int column) const {
    const auto result = convert<T>(values);
    if (whole<N, Lane>(column)) return lane.store(all_.at(row, column), result);
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < N; ++i)
      if (column + i < all_.columns) lane.store(all_.at(row, column + i), result[i]);
  }

  /// Prefetches the cache line of an element. For CPU kernels only.
  TILERY_SIMT void prefetch(int row, int column) const { __builtin_prefetch(all_.at(row, column).raw()); }

  TILERY_SIMT std::int32_t rows() const { return all_.rows; }
  TILERY_SIMT std::int32_t columns() const { return all_.columns; }
  /// Returns a description of the matrix (core/operand.hpp), for an op's checks and for the virtual GPU.
  operand described(const char* name) const {
    operand o{name,
              reinterpret_cast<const std::byte*>(all_.data.raw()),
              sizeof(T),
              2,
              {all_.rows, all_.columns},
              {all_.row_stride, all_.column_stride},
              !std::is_const_v<T>};
    o.alignment = alignof(T);
    return o;
  }
  /// Returns the description of a vector: one dimension instead of a matrix of one row.
  operand described_vector(const char* name) const {
    operand o = described(name);
    o.rank = 1;
    o.extents[0] = all_.columns, o.strides[0] = all_.column_stride;
    return o;
  }
  /// Checks that the matrix has the size of C, m x n.
  finding check(const char* name, int m, int n) const {
    if (all_.rows == m && all_.columns == n) return {};
    return {name, " is ", sentence(all_.rows, " x ", all_.columns), "; it must be m x n = ", sentence(m, " x ", n)};
  }

private:
  /// Returns the alignment in bytes, at most 16, that the first element of every row has, or 0 if the columns are not
  /// contiguous. It is the lowest bit that is set in the pointer, in the row stride in bytes (if there are several
  /// rows), or in 16.
  std::int32_t alignment() const {
    if (all_.column_stride != 1) return 0;
    auto bits = reinterpret_cast<std::uintptr_t>(all_.data.raw()) | 16;
    if (all_.rows > 1) bits |= static_cast<std::uintptr_t>(all_.row_stride) * sizeof(T);
    return static_cast<std::int32_t>(bits & -bits);
  }
  /// True if the N elements of a row from `column` on are in bounds, contiguous, and aligned for accesses of up to 16
  /// bytes. `column` is a multiple of N. CPU lanes need no alignment.
  template <int N, class Lane>
  TILERY_SIMT bool whole(int column) const {
    constexpr int bytes = N * sizeof(T) < 16 ? static_cast<int>(N * sizeof(T)) : 16;
    return aligned_ >= (Lane::takes_any_alignment ? 1 : bytes) && column + N <= all_.columns;
  }

  gmem_matrix<T> all_;
  std::int32_t aligned_;  // alignment()
};

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
