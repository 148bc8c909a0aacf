// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The last step of a CPU convolution: it computes rows of the output from a tile of complete sums, vector by vector.
// The rows may be anywhere in memory: each row has its number and its offset.
#pragma once
#pragma GCC system_header

#include <tilery/simt/cpu_stream.hpp>
#include <tilery/tile/cpu_copy.hpp>
#include <tilery/tile/epilogue_step.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// A row of the output: the number of the row that an epilogue sees, and the offset of its column 0 in elements.
struct output_row {
  std::int64_t offset;
  std::int32_t number;
};

/// The complete sums of one tile, and its rows and columns [column, column + columns) in the output. An epilogue sees
/// `column` as column seen_column. `data` and `column_stride` are the output's: column j of row r is at data + r.offset
/// + j column_stride.
template <class S, class C>
struct finished_rows {
  gmem_ptr<const S> sums;  // contiguous rows, each readable up to a whole number of vectors
  std::int64_t sums_stride;
  const output_row* rows;
  std::int32_t count, column, seen_column, columns;
  gmem_ptr<C> data;
  std::int64_t column_stride;
  bool streams = false;  // true: whole vectors are stored by streaming stores; data and offsets are aligned
};

/// C = p.finish(sums) for the elements of the tile, in vectors of N sums; p.finish_seen() (kernels/gemm/params.hpp)
/// applies alpha, beta, the epilogue and the scale of 8-bit elements. `epilogue` is a copy of the epilogue, in which
/// the epilogue may store values (epilogue_step.hpp). The caller makes this copy and calls its end().
template <int N, class Params, class TileEpilogue, class S, class C>
void finish_rows(cpu_lane lane, const Params& p, TileEpilogue& epilogue, const finished_rows<S, C>& t) {
  for (int i = 0; i < t.count; ++i) {
    for (int j = 0; j < t.columns; j += N) {
      const int row = t.rows[i].number, column = t.seen_column + j, count = t.columns - j < N ? t.columns - j : N;
      const auto c = t.data + (t.rows[i].offset + (t.column + j) * t.column_stride);
      const auto sums = lane.load(t.sums + (i * t.sums_stride + j), width<N>);
      auto old = splat<N>(S(0));
      if (t.column_stride == 1 && count == N) {
        if (p.beta != S(0)) old = convert<S>(lane.load(c, width<N>));
        const auto values = convert<C>(p.finish_seen(lane, epilogue, sums, old, row, column));
        t.streams ? stream(c, values) : lane.store(c, values);
      } else {
        if (p.beta != S(0)) old = load_some<S, N>(lane, c, t.column_stride, count);
        store_some<C>(lane, c, t.column_stride, count, p.finish_seen(lane, epilogue, sums, old, row, column));
      }
    }
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
