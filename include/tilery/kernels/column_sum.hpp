// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Adds up the rows of a matrix: one sum for each column. A block has a slice of the rows. Each of its lanes adds up
// every row_lanes-th row of the slice, in partial sums of at most 256 rows. The block then adds up the sums of its
// lanes in a fixed order. If there are several slices, the op launches the kernel again for the matrix of their sums,
// until one slice is left. All executors run this code.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/core/convert.hpp>
#include <tilery/policies/column_sum.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

/// out[slice, column] = factor * sum of in[row, column] over the rows of the slice.
template <class In, class Out, class Accumulator>
struct column_sum_params {
  gmem_matrix<const In> in;  // (row, column)
  gmem_matrix<Out> out;      // (slice, column)
  Accumulator factor;
};

/// One block computes one slice of rows in one tile of `columns` columns. The sums are kept in Accumulator.
template <column_sum_policy P, class In, class Out, class Accumulator>
struct column_sum_kernel {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static constexpr const char* name = "column_sum";
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = P.threads == 1;
  static constexpr int columns = P.columns(), row_lanes = P.row_lanes();

  struct shared {
    shared_array<Accumulator, (row_lanes > 1 ? row_lanes * columns : 1)> sums;  // (row lane, column)
  };
  using params = column_sum_params<In, Out, Accumulator>;

  /// Returns the number of slices of a matrix.
  static int slices(int rows) { return pieces(rows, P.slice_rows); }
  /// Returns a one-dimensional grid: the blocks of all column tiles of slice 0, then of slice 1, and so on. The slices
  /// are not the grid's y, because CUDA limits y to 65535.
  static index3 blocks(const params& p) { return {pieces(p.in.columns, columns) * p.out.rows}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    const int row_lane = lane.rank() / P.column_lanes;  // the lane has rows row_lane + i row_lanes of the slice
    const int in_block = lane.rank() % P.column_lanes * P.vector;  // the lane's first column in the tile
    const int tiles = pieces(p.in.columns, columns);
    const int slice = lane.block().x / tiles;
    const int end = p.in.rows < (slice + 1) * P.slice_rows ? p.in.rows : (slice + 1) * P.slice_rows;

    pack<Accumulator, P.vector> sums[P.packs] = {};  // sums[i]: columns from first_column + i * step
    const int first_column = lane.block().x % tiles * columns + in_block;
    // Adds the lane's rows in [first, behind) to the packs at `to`.
    const auto add_rows = [&](int first, int behind, pack<Accumulator, P.vector>* to) {
      for (int row = first; row < behind; row += row_lanes) {
        TILERY_UNROLL
        for (int i = 0; i < P.packs; ++i) to[i] = to[i] + read(lane, p.in, row, first_column + i * step);
      }
    };
    const int first_row = slice * P.slice_rows + row_lane;
    if constexpr (P.slice_rows <= partial_rows * row_lanes) {
      add_rows(first_row, end, sums);
    } else {
      for (int row = first_row; row < end; row += partial_rows * row_lanes) {
        pack<Accumulator, P.vector> some[P.packs] = {};
        add_rows(row, lesser(end, row + partial_rows * row_lanes), some);
        TILERY_UNROLL
        for (int i = 0; i < P.packs; ++i) sums[i] = sums[i] + some[i];
      }
    }

    TILERY_UNROLL
    for (int i = 0; i < P.packs; ++i) {
      const int column = first_column + i * step;
      if constexpr (row_lanes > 1) {
        lane.store(smem.sums.at(row_lane * columns + in_block + i * step), sums[i]);
        lane.sync_block();  // the next pack has other elements of `smem.sums`: one barrier for each pack suffices
        if (row_lane == 0)
          for (int other = 1; other < row_lanes; ++other)
            sums[i] = sums[i] + lane.load(smem.sums.at(other * columns + in_block + i * step), width<P.vector>);
      }
      if (row_lane != 0) continue;
      TILERY_UNROLL
      for (int e = 0; e < P.vector; ++e)
        if (column + e < p.in.columns) lane.store(p.out.at(slice, column + e), convert<Out>(sums[i][e] * p.factor));
    }
  }

private:
  static constexpr int step = P.column_lanes * P.vector;  // columns from one pack of a lane to its next pack
  /// The most rows that a lane adds up in one partial sum. The error of a chain of additions grows with its length, so
  /// a lane with more rows adds up several partial sums.
  static constexpr int partial_rows = 256;

  /// Loads a pack of a row. Columns out of bounds are 0.
  template <class Lane>
  TILERY_SIMT static pack<Accumulator, P.vector> read(Lane lane, const gmem_matrix<const In>& in, int row, int column) {
    if (P.packs > 1 && column >= in.columns) return splat<P.vector>(Accumulator(0));
    if constexpr (P.vector > 1) {
      if (column + P.vector <= in.columns)
        return convert<Accumulator>(lane.load(in.row(row) + column, width<P.vector>));
    }
    auto values = splat<P.vector>(Accumulator(0));
    TILERY_UNROLL
    for (int e = 0; e < P.vector; ++e)
      if (column + e < in.columns) values.set(e, convert<Accumulator>(lane.load(in.at(row, column + e))));
    return values;
  }
};

}  // namespace tilery::inline TILERY_ABI
