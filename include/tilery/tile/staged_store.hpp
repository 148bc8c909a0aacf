// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Applies the epilogue to the accumulators of a warp, and stores the result to C through shared memory, one row of
// fragments (16 rows of elements; double: 8) at once. A warp then writes whole 32-byte sectors of C, if C is row-major
// and aligned. Each lane reads 16 bytes of accumulators from shared memory at once (in the transposed problem, element
// by element).
#pragma once
#pragma GCC system_header

#include <tilery/tile/epilogue_step.hpp>
#include <tilery/tile/mma_tile.hpp>
#include <tilery/tile/store_sums.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The part of shared memory that one warp uses: `Rows` rows (those of one fragment), as wide as the warp's tile. The
/// padding of 8 elements after each row puts rows that are written together into different banks.
template <auto P, class Sum, int Rows>
struct stage_rows {
  static constexpr int pitch = P.warp.n + 8;
  static constexpr bool may_transpose = P.may_transpose();
  shared_array<Sum, Rows * pitch> elements;  // (row, column)

  TILERY_SIMT smem_ptr<Sum> at(int row, int column) { return elements.at(row * pitch + column); }
};

/// Stores the warp's tile of accumulators. The tile of its block begins at (row, column) of C, or of C^T if the
/// transposed problem (C^T = B^T A^T) is computed. `rows` is the warp's stage_rows.
template <auto P, class A, class B, class Lane, class Params, class Rows>
TILERY_SIMT void store_through(Lane lane, const Params& p, Rows& rows, int row, int column,
                               const mma_sums<P, A, B>& sums, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("store the tile", at);
  using shape = typename mma_sums<P, A, B>::shape;
  using sum = typename shape::accumulator;
  constexpr int quad = static_cast<int>(16 / sizeof(sum)), quads = P.warp.n / quad;
  constexpr int warps_n = mma_step<P, A, B>::warps_n;
  row += lane.warp() / warps_n * P.warp.m;
  column += lane.warp() % warps_n * P.warp.n;
  // `columns` is the largest number of packs that a lane has side by side in a row of C: `beside`, or in the transposed
  // problem one pack for each row of fragments.
  constexpr int beside = quads <= Lane::warp_size ? 1 : quads / Lane::warp_size;
  constexpr int columns = Rows::may_transpose && mma_sums<P, A, B>::m > beside ? mma_sums<P, A, B>::m : beside;
  constexpr int each = epilogue_pack<Params, P.c_vector, quad>;
  auto epilogue = epilogue::in_tile<typename Params::accumulator, each, columns * quad / each>(p.epilogue);
  TILERY_UNROLL_ON_GPU
  for (int i = 0; i < mma_sums<P, A, B>::m; ++i) {
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < mma_sums<P, A, B>::n; ++j) {
      TILERY_UNROLL_ON_GPU
      for (int r = 0; r < shape::c_registers; r += 2) {
        const auto to = atoms::fragment_place<shape::c>(lane.warp_rank(), r);
        pack<sum, 2> pair;
        pair.set(0, sums.tile[i][j].r[r]), pair.set(1, sums.tile[i][j].r[r + 1]);
        lane.store(rows.at(to.row, shape::n * j + to.column), pair);
      }
    }
    lane.sync_warp();
    if (Rows::may_transpose && p.is_transposed) {
      // The transposed problem: a pack of C is a part of a column of `rows`. One pass of the warp takes 8 rows of C, of
      // each row all elements that `rows` holds, so that it writes whole sectors. Its loads from `rows` have 4-way bank
      // conflicts, because the pitch of `rows` is chosen for 16-byte loads along a row. They cost little compared with
      // the k loop.
      constexpr int packs = shape::m / quad;
      for (int q = lane.warp_rank(); q < packs * P.warp.n; q += Lane::warp_size) {
        const int first = q / 8 % packs * quad, j = q / (8 * packs) * 8 + q % 8;
        pack<sum, quad> transposed;
        TILERY_UNROLL_ON_GPU
        for (int e = 0; e < quad; ++e) transposed.set(e, lane.load(rows.at(first + e, j)));
        store_sums<P.c_vector>(lane, p, epilogue, column + j, row + shape::m * i + first,
                               convert<typename Params::accumulator>(transposed));
      }
    } else {
      for (int q = lane.warp_rank(); q < shape::m * quads; q += Lane::warp_size)
        store_sums<P.c_vector>(lane, p, epilogue, row + shape::m * i + q / quads, column + q % quads * quad,
                               convert<typename Params::accumulator>(
                                   lane.load(rows.at(q / quads, q % quads * quad), width<quad>)));
    }
    lane.sync_warp();
  }
  epilogue.end(lane);
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
