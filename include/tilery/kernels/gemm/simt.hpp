// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM without tensor cores: tiles of A and B in shared memory, twice, and a tile of sums in each lane's registers.
// While a step multiplies out of one buffer, the next step's tiles are on their way to registers, then to the other
// one: one barrier a step.
#pragma once

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/gemm_simt.hpp>
#include <tilery/tile/rasterize.hpp>
#include <tilery/tile/register_tile.hpp>
#include <tilery/tile/store_sums.hpp>

namespace tilery::inline TILERY_ABI {

/// One block computes one tile of C, P.block.m x P.block.n.
template <gemm_simt_policy P, class Params>
struct gemm_simt {
  using accumulator = typename Params::accumulator;
  static_assert(broken_rule(P, sizeof(accumulator), when_broken::stop) == nullptr, "the policy breaks a rule");

  static constexpr const char* name = "gemm_simt";
  static constexpr int threads = P.threads();
  static constexpr arch lowest = P.lowest;
  static constexpr bool holds_alone = false;

  using a_loader =
      tile::panel_loader<typename Params::a_type, accumulator, P.block.m, P.block.k, threads, P.a, P.vector>;
  using b_loader =
      tile::panel_loader<typename Params::b_type, accumulator, P.block.n, P.block.k, threads, P.b, P.vector>;

  struct shared {
    typename a_loader::shared a[2];  // (k, m)
    typename b_loader::shared b[2];  // (k, n)
  };
  static_assert(sizeof(shared) == P.shared_bytes(sizeof(accumulator)));

  template <class Lane>
  SIMT static void run(Lane lane, const Params& p, shared& smem) {
    const auto origin = tile::rasterize(lane.block().x, p.c.rows, p.c.columns, P.block.m, P.block.n);
    tile::register_tile<P, accumulator> sums(lane);
    a_loader a;
    b_loader b;

    a.fetch(lane, p.a, origin.row, 0);
    b.fetch(lane, p.b, origin.column, 0);
    for (int k = 0, turn = 0; k < p.a.k; k += P.block.k, turn ^= 1) {
      a.put(lane, p.a, smem.a[turn]);
      b.put(lane, p.b, smem.b[turn]);
      lane.sync_block();  // the buffer is full; the other one, everybody has left behind
      a.fetch(lane, p.a, origin.row, k + P.block.k);
      b.fetch(lane, p.b, origin.column, k + P.block.k);
      sums.multiply(lane, smem.a[turn], smem.b[turn]);
    }
    store(lane, p, origin, sums);
  }

private:
  static constexpr int quad = tile::register_tile<P, accumulator>::quad;

  template <class Lane>
  SIMT static void store(Lane lane, const Params& p, tile::tile_origin origin,
                         const tile::register_tile<P, accumulator>& sums) {
    auto epilogue = p.epilogue;
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < P.lane.m; ++i) {
      const int row = origin.row + sums.row(i);
      TILERY_UNROLL_ON_GPU
      for (int j = 0; j < P.lane.n / quad; ++j) {
        const int column = origin.column + sums.column(j);
        tile::store_sums<P.c_vector>(lane, p, epilogue, row, column, sums.sums(i, j));
      }
    }
    epilogue.end(lane);
  }
};

}  // namespace tilery::inline TILERY_ABI
