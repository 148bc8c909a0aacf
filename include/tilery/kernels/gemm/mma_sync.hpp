// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM on tensor cores through mma.sync: a ring of tiles in shared memory, filled by asynchronous copies, and a tile of
// sums in each warp's registers.
#pragma once

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/tile/copy_ring.hpp>
#include <tilery/tile/rasterize.hpp>
#include <tilery/tile/staged_store.hpp>

namespace tilery::inline TILERY_ABI {

/// One block computes one tile of C, P.block.m x P.block.n.
template <gemm_mma_sync_policy P, class Params>
struct gemm_mma_sync {
  using a_type = typename Params::a_type;
  using b_type = typename Params::b_type;
  static_assert(broken_rule(P, sizeof(a_type), when_broken::stop) == nullptr, "the policy breaks a rule");

  static constexpr const char* name = "gemm_mma_sync";
  static constexpr int threads = P.threads();
  using sums_type = tile::mma_sums<P, a_type, b_type>;
  using shape = typename sums_type::shape;
  static constexpr arch lowest = P.lowest > shape::lowest ? P.lowest : shape::lowest;
  static constexpr bool holds_alone = false;

  using ring = tile::copy_ring<P, a_type, b_type>;
  using rows = tile::stage_rows<P, typename shape::accumulator, shape::m>;
  union shared {
    typename ring::shared ab;
    rows sums[threads / 32];  // one a warp, behind the last step
  };
  static_assert(sizeof(shared) == P.shared_bytes(sizeof(a_type)));

  template <class Lane>
  SIMT static void run(Lane lane, const Params& p, shared& smem) {
    const auto origin = tile::rasterize(lane.block().x, p.c.rows, p.c.columns, P.block.m, P.block.n, P.raster_rows);
    ring tiles(lane, smem.ab, p.a, p.b, origin.row, origin.column);
    sums_type sums;
    tile::mma_step<P, a_type, b_type> operands[2];

    tiles.begin(lane, p.a, p.b);
    operands[0].load(lane, tiles.now().a, tiles.now().b, 0);
    for (int k = 0; k < p.a.k; k += P.block.k) {
      TILERY_UNROLL_ON_GPU
      for (int step = 0; step < steps; ++step) {
        if (step + 1 == steps) tiles.next(lane);
        operands[(step + 1) % 2].load(lane, tiles.now().a, tiles.now().b, (step + 1) % steps);
        if (step + 1 < steps) tiles.refill(lane, p.a, p.b, step, steps - 1);
        sums.multiply(lane, operands[step % 2]);
      }
    }
    tiles.end(lane);
    tile::store_through(lane, p, smem.sums[lane.warp()], origin.row, origin.column, sums);
  }

private:
  static constexpr int steps = P.block.k / shape::k;
};

}  // namespace tilery::inline TILERY_ABI
