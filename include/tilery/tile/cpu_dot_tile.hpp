// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The innermost loop of a CPU convolution with few columns (filters of a forward convolution, channels of a data
// gradient). A step is one tap and one channel. Vectors go along the steps, not along the columns, which would leave
// most of a vector empty. The loop loads one vector of each row of A and of each column of B and multiplies all pairs.
// At the end the elements of each sum are added up.
#pragma once
#pragma GCC system_header

#include <tilery/core/transpose.hpp>
#include <tilery/tile/cpu_run_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The number of rows of a tile with `columns` columns, for `registers` vector registers: the sums, one vector of each
/// column and one vector of a row stay in registers.
constexpr int dot_rows(int columns, int registers) {
  const int most = (registers - 1 - columns) / columns;
  return most > 16 ? 16 : most > 1 ? most : 1;
}

/// Returns a pack whose element i is the sum of the elements of vectors[i], added in a fixed order.
template <class T, int Lanes>
pack<T, Lanes> sums_of_each(pack<T, Lanes> (&vectors)[Lanes]) {
  transpose(vectors);
  TILERY_UNROLL
  for (int half = Lanes / 2; half > 0; half /= 2) {
    TILERY_UNROLL
    for (int i = 0; i < half; ++i) vectors[i] = vectors[i] + vectors[i + half];
  }
  return vectors[0];
}

/// sums = A B, or sums += A B if t.add, for Rows rows and Columns columns. The steps of a run are contiguous in A, and
/// their number is a multiple of Lanes. B has Lanes steps of a column, then the same steps of the next column. The rows
/// of `sums` have Columns elements, rounded up to whole vectors.
template <class S, int Lanes, int Rows, int Columns>
void multiply_dots(const cpu_run_operands<S>& t) {
  using factor = cpu_factor<S>;
  constexpr cpu_lane lane({0, 0, 0}, {1, 1, 1});
  constexpr int sums = Rows * Columns, squares = pieces(sums, Lanes), pitch = pieces(Columns, Lanes) * Lanes;
  pack<factor, Lanes> sum[sums];
  TILERY_UNROLL
  for (int i = 0; i < sums; ++i) sum[i] = splat<Lanes>(factor(0));
  const std::int64_t* const offsets = t.row_offsets;
  const cpu_run<S>* run = t.runs;
  for (std::int32_t left = t.number_of_runs; left > 0; --left, ++run) {
    gmem_ptr<const factor> a = run->a, b = run->b;
    for (std::int32_t k = run->steps; k > 0; k -= Lanes) {
      pack<factor, Lanes> column[Columns];
      TILERY_UNROLL
      for (int j = 0; j < Columns; ++j) column[j] = lane.load(b + j * Lanes, width<Lanes>);
      TILERY_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const auto row = lane.load(a + offsets[i], width<Lanes>);
        TILERY_UNROLL
        for (int j = 0; j < Columns; ++j) sum[i * Columns + j] = fma(row, column[j], sum[i * Columns + j]);
      }
      a = a + Lanes;
      b = b + Columns * Lanes;
    }
  }
  factor totals[squares * Lanes];
  TILERY_UNROLL
  for (int s = 0; s < squares; ++s) {
    pack<factor, Lanes> square[Lanes];
    TILERY_UNROLL
    for (int e = 0; e < Lanes; ++e)
      square[e] = s * Lanes + e < sums ? sum[s * Lanes + e < sums ? s * Lanes + e : 0] : splat<Lanes>(factor(0));
    lane.store(gmem_ptr<factor>(totals + s * Lanes), sums_of_each(square));
  }
  for (int i = 0; i < Rows; ++i) {
    const auto to = t.sums + i * pitch;
    if (!t.add)
      for (int j = 0; j < pitch; ++j) lane.store(to + j, S(0));
    for (int j = 0; j < Columns; ++j)
      lane.store(to + j, wrapping_sum(lane.load(to + j), convert<S>(totals[i * Columns + j])));
  }
}

/// Calls the multiply_dots above for `columns` columns, 1 to Most, which are known at run time only, with as many rows
/// as Registers vector registers allow.
template <class S, int Lanes, int Registers, int Most>
void multiply_dots(int columns, const cpu_run_operands<S>& t) {
  [&]<int... Index>(std::integer_sequence<int, Index...>) {
    ((columns == Index + 1 ? multiply_dots<S, Lanes, dot_rows(Index + 1, Registers), Index + 1>(t) : void()), ...);
  }
  (std::make_integer_sequence<int, Most>{});
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
