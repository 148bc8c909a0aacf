// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM for a C with few rows or few columns, where memory bandwidth is the bound. The long operand, the operand of C's
// longer dimension (B for few rows, A for few columns), is read straight into registers, once if C's shorter
// dimension fits in one tile. It is loaded one iteration before it is multiplied, and packs are in flight meanwhile. If
// the layout allows only single elements, a lane waits until they have arrived before it multiplies. In each iteration
// the warps of a block multiply different ranges of k; they wait for each other only after the k loop.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/gemm/parts.hpp>
#include <tilery/policies/gemm_skinny.hpp>
#include <tilery/tile/skinny_sums.hpp>
#include <tilery/tile/store_sums.hpp>

namespace tilery::inline TILERY_ABI {

/// One block computes a tile of C, P.block.m elements along C's longer dimension by P.block.n along the shorter one, or
/// parts of tiles (ranges of k), as the parameters' `work` assigns them (tile/work_share.hpp).
template <gemm_skinny_policy P, class Params>
struct gemm_skinny {
  using element_type = typename Params::a_type;
  using sum = accumulator_t<element_type>;
  static_assert(std::is_same_v<element_type, typename Params::b_type> && sizeof(element_type) >= 2,
                "gemm_skinny: A and B must be of one type, of 16 bits or more, because either may be the long operand");
  static_assert(keeps_rules<P, sizeof(element_type)>(), "the policy breaks a rule");

  static constexpr const char* name = "gemm_skinny";
  static constexpr int threads = P.threads();
  static constexpr arch lowest = P.lowest;
  static constexpr bool allows_one_lane = false;

  static constexpr int warp_k = P.warp_k * P.lane_k;  // k of one warp in one iteration
  using factors_type = tile::skinny_factors<element_type, sum, P.block.n, warp_k>;
  using sums_type = tile::skinny_sums<P, sum>;
  union shared {
    typename factors_type::shared pieces[P.warps()];  // (warp): each warp's piece of the short operand, in the k loop
    typename sums_type::shared sums;                  // the sums of all warps, after the k loop
    gemm_note note;                                   // used after the sums
  };
  static_assert(sizeof(shared) == P.shared_bytes(sizeof(element_type)));

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& all, shared& smem) {
    for_gemm_parts<P>(lane, all, [&](const auto& part) {
      const auto found = part.tile();
      const auto a = part.a_of(found), b = part.b_of(found);
      // The tile begins at row long_row of the long operand and row short_row of the short operand (a row: all k at one
      // m or n). It has `few` rows of the short operand.
      const bool few_rows = found.p.c.rows < found.p.c.columns;
      const auto long_side = few_rows ? b : a, short_side = few_rows ? a : b;
      const int long_row = few_rows ? found.origin.column : found.origin.row;
      const int short_row = few_rows ? found.origin.row : found.origin.column;
      const int few = lesser(short_side.outer - short_row, P.block.n);

      sums_type sums;
      multiply(lane, long_side, long_row, short_side, short_row, few, smem.pieces[lane.warp()], sums);
      lane.sync_block();  // all warps have read their pieces, which the sums overwrite
      sums.add_up(lane, smem.sums, few);
      if (!part.completes(lane, sums, smem.note.at(0))) return;
      store(lane, found.c(), long_row, short_row, few_rows, sums);
    });
  }

private:
  /// The k loop of one warp: adds the products for the warp's ranges of k to `sums`. `piece` is the warp's shared
  /// memory.
  template <class Lane>
  TILERY_SIMT static void multiply(Lane lane, const panel<element_type>& long_side, int long_row,
                                   const panel<element_type>& short_side, int short_row, int few,
                                   typename factors_type::shared& piece, sums_type& sums) {
    using long_piece = tile::skinny_piece<element_type, P.lane_k>;
    const along way = long_piece::way(long_side);  // the dimension of the long operand's packs; any: single elements
    const bool has_packs = short_side.has_packs(along::k, tile::skinny_k<element_type>::run);
    const int lane_row = long_row + P.lane_long * (lane.warp_rank() % P.warp_long);
    const int lane_k = tile::skinny_k<element_type>::run * (lane.warp_rank() / P.warp_long);
    long_piece now, next;
    factors_type factors;

    // The first iteration (k < 0) only loads, so that the code of the loads exists once.
    for (int k = lane.warp() * warp_k - P.block.k; k < long_side.k; k += P.block.k) {
      // The short operand is loaded first: waiting for its single elements would also wait for packs of the long
      // operand that were requested before.
      factors.fetch(lane, short_side, short_row, k + P.block.k, has_packs);
      next.fetch(lane, long_side, lane_row, k + P.block.k + lane_k, way);
      if (k >= 0) sums.multiply(lane, now, way, piece, few);
      lane.sync_warp();  // all lanes have read the old piece
      factors.put(lane, piece);
      now = next;
      lane.sync_warp();  // the new piece is complete
    }
  }

  /// Stores the elements of C whose totals this lane has.
  template <class Lane, class One>
  TILERY_SIMT static void store(Lane lane, const One& p, int long_row, int short_row, bool few_rows,
                                const sums_type& sums) {
    auto epilogue = epilogue::in_tile<typename Params::accumulator, 1, sums_type::packs>(p.epilogue);
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < sums_type::packs; ++i) {
      const int along_long = long_row + sums.along_long(lane, i), along_short = short_row + sums.along_short(lane, i);
      tile::store_sums<1>(lane, p, epilogue, few_rows ? along_short : along_long, few_rows ? along_long : along_short,
                          convert<typename Params::accumulator>(sums.finished(i)));
    }
    epilogue.end(lane);
  }
};

}  // namespace tilery::inline TILERY_ABI
