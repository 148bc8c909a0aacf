// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A copy of a matrix block on the CPU, from any strides into contiguous rows, that writes nothing but the elements of
// the block. (copy_block of tile/cpu_copy.hpp fills each row with zeros up to whole vectors.)
#pragma once
#pragma GCC system_header

#include <tilery/tile/cpu_copy.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Copies `count` contiguous elements, converted to S, in vectors of N elements.
template <int N, class S, class T>
void copy_run(cpu_lane lane, gmem_ptr<const T> from, gmem_ptr<S> to, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + N <= count; i += N) lane.store(to + i, convert<S>(lane.load(from + i, width<N>)));
  for (; i < count; ++i) lane.store(to + i, convert<S>(lane.load(from + i)));
}

/// to = from (rows x columns), converted to S. The rows of `to` are contiguous and begin `pitch` elements apart. N is
/// the number of elements of S in a vector register.
template <int N, class S, class T>
void copy_exact(cpu_lane lane, const strided_block<const T>& from, gmem_ptr<S> to, std::int64_t pitch) {
  if (from.column_stride == 1) {
    if (from.row_stride == from.columns && pitch == from.columns)
      return copy_run<N>(lane, from.data, to, std::int64_t{from.rows} * from.columns);
    for (int i = 0; i < from.rows; ++i) copy_run<N>(lane, from.at(i, 0), to + i * pitch, from.columns);
    return;
  }
  int whole_rows = 0, whole_columns = 0;
  if (from.row_stride == 1) whole_rows = from.rows / N * N, whole_columns = from.columns / N * N;
  for (int j = 0; j < whole_columns; j += N) {
    for (int i = 0; i < whole_rows; i += N) {  // squares that are transposed in registers
      pack<S, N> square[N];
      TILERY_UNROLL
      for (int e = 0; e < N; ++e) square[e] = convert<S>(lane.load(from.at(i, j + e), width<N>));
      transpose(square);
      TILERY_UNROLL
      for (int e = 0; e < N; ++e) lane.store(to + ((i + e) * pitch + j), square[e]);
    }
  }
  for (int i = 0; i < from.rows; ++i)
    for (int j = i < whole_rows ? whole_columns : 0; j < from.columns; ++j)
      lane.store(to + (i * pitch + j), convert<S>(lane.load(from.at(i, j))));
}

/// Sets `count` elements to zero.
template <class S>
void fill_with_zeros(cpu_lane lane, gmem_ptr<S> to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) lane.store(to + i, S(0));
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
