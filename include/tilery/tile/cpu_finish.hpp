// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The last step of the CPU GEMM: it computes a tile of C from a tile of A B (sums over all k), vector by vector.
#pragma once
#pragma GCC system_header

#include <tilery/tile/cpu_copy.hpp>
#include <tilery/tile/epilogue_step.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// One tile of A B (sums over all k), and its position and size in C: rows [row, row + rows), columns [column, column +
/// columns).
template <class S>
struct finished_tile {
  gmem_ptr<const S> sums;    // contiguous rows, each readable up to a whole number of vectors
  std::int64_t sums_stride;  // elements from one row of `sums` to the next
  std::int32_t row, column, rows, columns;
};

/// C = p.finish(sums) for the elements of the tile, in vectors of N sums; p.finish() (kernels/gemm/params.hpp) applies
/// alpha, beta, the epilogue and the scale of a C with 8-bit elements. `epilogue` is a copy of the GEMM's epilogue, in
/// which the epilogue may store values (epilogue_step.hpp). The caller makes this copy and calls its end(), because the
/// copy may also serve tiles below this one, in the same columns.
template <int N, class Params, class TileEpilogue, class S>
void finish_tile(cpu_lane lane, const Params& p, TileEpilogue& epilogue, const finished_tile<S>& t) {
  using T = typename Params::c_type;
  const bool contiguous = p.c.column_stride == 1;
  const auto finish = [&](int i, int j) {
    const int row = t.row + i, column = t.column + j, count = t.columns - j < N ? t.columns - j : N;
    const auto c = p.c.at(row, column);
    const auto sums = lane.load(t.sums + (i * t.sums_stride + j), width<N>);
    auto old = splat<N>(S(0));
    if (contiguous && count == N) {
      if (p.beta != S(0)) old = convert<S>(lane.load(c, width<N>));
      lane.store(c, convert<T>(p.finish(lane, epilogue, sums, old, row, column)));
    } else {
      if (p.beta != S(0)) old = load_some<S, N>(lane, c, p.c.column_stride, count);
      store_some<T>(lane, c, p.c.column_stride, count, p.finish(lane, epilogue, sums, old, row, column));
    }
  };
  for (int i = 0; i < t.rows; ++i)
    for (int j = 0; j < t.columns; j += N) finish(i, j);
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
