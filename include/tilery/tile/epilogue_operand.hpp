// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A matrix beside C that an epilogue reads or writes: one access for a pack where it lies well, element by element
// where it does not. Which of them is known at run time and alike for all lanes: alignment does not multiply kernels.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/core/operand.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// Elements of T (const where they are read), any strides. A vector along the columns is a matrix of one row that is
/// everywhere the same.
template <class T>
class operand_matrix {
public:
  explicit operand_matrix(const tensor_view<T, 2>& v) : all_(for_kernel<T>(v)), aligned_(alignment()) {}
  explicit operand_matrix(const tensor_view<T, 1>& v)
      : all_{gmem_ptr<T>(v.pointer), 1, v.extents[0], 0, v.strides[0]}, aligned_(alignment()) {}

  /// The elements at (row, column...), converted; zero where they are outside.
  template <class S, int N, class Lane>
  TILERY_SIMT pack<S, N> load(Lane lane, int row, int column) const {
    if (whole<N, Lane>(column)) return convert<S>(lane.load(all_.at(row, column), width<N>));
    auto values = splat<N>(S(0));
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < N; ++i)
      if (column + i < all_.columns) values.set(i, convert<S>(lane.load(all_.at(row, column + i))));
    return values;
  }
  /// Stores those that are inside, converted.
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
              {all_.rows, all_.columns},
              {all_.row_stride, all_.column_stride},
              !std::is_const_v<T>};
    o.alignment = alignof(T);
    return o;
  }
  /// For an operand that must be as large as C.
  finding check(const char* name, int m, int n) const {
    if (all_.rows == m && all_.columns == n) return {};
    return {name, " is ", sentence(all_.rows, " x ", all_.columns), "; it must be m x n = ", sentence(m, " x ", n)};
  }

private:
  /// Bytes that each row begins at a multiple of, 16 at most; 0 where its elements are not neighbours.
  std::int32_t alignment() const {
    if (all_.column_stride != 1) return 0;
    auto bits = reinterpret_cast<std::uintptr_t>(all_.data.raw()) | 16;
    if (all_.rows > 1) bits |= static_cast<std::uintptr_t>(all_.row_stride) * sizeof(T);
    return static_cast<std::int32_t>(bits & -bits);
  }
  template <int N, class Lane>
  TILERY_SIMT bool whole(int column) const {
    constexpr int bytes = N * sizeof(T) < 16 ? static_cast<int>(N * sizeof(T)) : 16;
    return aligned_ >= (Lane::alone ? 1 : bytes) && column + N <= all_.columns;
  }

  gmem_matrix<T> all_;
  std::int32_t aligned_;
};

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
