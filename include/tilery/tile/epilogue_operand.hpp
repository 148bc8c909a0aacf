// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A matrix or a vector that an epilogue reads or writes beside C. A pack is one access if the columns are contiguous
// and aligned, else an access for each element. The kernel decides at run time, the same way for all lanes: alignment
// does not multiply the number of kernels.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/core/operand.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// A matrix of T with any strides; T is const if it is only read. A vector along the columns is a matrix of one row,
/// with a row stride of 0: all rows of C see the same values.
template <class T>
class operand_matrix {
public:
  explicit operand_matrix(const tensor_view<T, 2>& v) : all_(for_kernel<T>(v)), aligned_(alignment()) {}
  explicit operand_matrix(const tensor_view<T, 1>& v)
      : all_{gmem_ptr<T>(v.pointer), 1, v.extents[0], 0, v.strides[0]}, aligned_(alignment()) {}

  /// Loads the elements at (row, column...), converted to S; elements out of bounds are zero.
  template <class S, int N, class Lane>
  TILERY_SIMT pack<S, N> load(Lane lane, int row, int column) const {
    if (whole<N, Lane>(column)) return convert<S>(lane.load(all_.at(row, column), width<N>));
    auto values = splat<N>(S(0));
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < N; ++i)
      if (column + i < all_.columns) values.set(i, convert<S>(lane.load(all_.at(row, column + i))));
    return values;
  }
  /// Stores the elements that are in bounds, converted to T.
  template <class Lane, class S, int N>
  TILERY_SIMT void store(Lane lane, pack<S, N> values, int row, int column) const {
    const auto result = convert<T>(values);
    if (whole<N, Lane>(column)) return lane.store(all_.at(row, column), result);
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < N; ++i)
      if (column + i < all_.columns) lane.store(all_.at(row, column + i), result[i]);
  }

  TILERY_SIMT std::int32_t rows() const { return all_.rows; }
  TILERY_SIMT std::int32_t columns() const { return all_.columns; }
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
  /// Checks an operand that must have the size of C, m x n.
  finding check(const char* name, int m, int n) const {
    if (all_.rows == m && all_.columns == n) return {};
    return {name, " is ", sentence(all_.rows, " x ", all_.columns), "; it must be m x n = ", sentence(m, " x ", n)};
  }

private:
  /// The alignment of the first element of every row, in bytes, at most 16; 0 if columns are not contiguous.
  std::int32_t alignment() const {
    if (all_.column_stride != 1) return 0;
    auto bits = reinterpret_cast<std::uintptr_t>(all_.data.raw()) | 16;
    if (all_.rows > 1) bits |= static_cast<std::uintptr_t>(all_.row_stride) * sizeof(T);
    return static_cast<std::int32_t>(bits & -bits);
  }
  template <int N, class Lane>
  TILERY_SIMT bool whole(int column) const {
    constexpr int bytes = N * sizeof(T) < 16 ? static_cast<int>(N * sizeof(T)) : 16;
    return aligned_ >= (Lane::takes_any_alignment ? 1 : bytes) && column + N <= all_.columns;
  }

  gmem_matrix<T> all_;
  std::int32_t aligned_;
};

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
