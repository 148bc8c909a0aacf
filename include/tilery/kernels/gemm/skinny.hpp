// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM for a C with few rows or few columns, where memory bandwidth is the bound. The long operand is read once,
// straight into registers. Packs are loaded one iteration before they are multiplied; single elements are waited for.
// The warps of a block share its k, and no warp waits for another one before its accumulators are complete.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/gemm/parts.hpp>
#include <tilery/policies/gemm_skinny.hpp>
#include <tilery/tile/skinny_sums.hpp>
#include <tilery/tile/store_sums.hpp>

namespace tilery::inline TILERY_ABI {

/// One block computes tiles of C, P.block.m along the longer side of C by P.block.n along the shorter one, or parts of
/// tiles along k, as `Params::work` assigns them.
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

  static constexpr int warp_k = P.warp_k * P.lane_k;  // elements along k of one warp in one iteration
  using factors_type = tile::skinny_factors<element_type, sum, P.block.n, warp_k>;
  using sums_type = tile::skinny_sums<P, sum>;
  union shared {
    typename factors_type::shared pieces[P.warps()];  // the short operand's elements, one piece for each warp
    typename sums_type::shared sums;
    gemm_note note;
  };
  static_assert(sizeof(shared) == P.shared_bytes(sizeof(element_type)));

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& all, shared& smem) {
    for_gemm_parts<P>(lane, all, [&](const auto& part) {
      const auto found = part.tile();
      const auto a = part.a_of(found), b = part.b_of(found);
      const bool few_rows = found.p.c.rows < found.p.c.columns;
      const auto long_side = few_rows ? b : a, short_side = few_rows ? a : b;
      const int long_row = few_rows ? found.origin.column : found.origin.row;
      const int short_row = few_rows ? found.origin.row : found.origin.column;
      const int few = lesser(short_side.outer - short_row, P.block.n);

      sums_type sums;
      multiply(lane, long_side, long_row, short_side, short_row, few, smem.pieces[lane.warp()], sums);
      lane.sync_block();  // all warps have read their pieces, whose memory the sums take
      sums.add_up(lane, smem.sums, few);
      if (!part.completes(lane, sums, smem.note.at(0))) return;
      store(lane, found.c(), long_row, short_row, few_rows, sums);
    });
  }

private:
  template <class Lane>
  TILERY_SIMT static void multiply(Lane lane, const panel<element_type>& long_side, int long_row,
                                   const panel<element_type>& short_side, int short_row, int few,
                                   typename factors_type::shared& piece, sums_type& sums) {
    using long_piece = tile::skinny_piece<element_type, P.lane_k>;
    const along way = long_piece::way(long_side);
    const bool has_packs = short_side.has_packs(along::k, tile::skinny_k<element_type>::run);
    const int lane_row = long_row + P.lane_long * (lane.warp_rank() % P.warp_long);
    const int lane_k = tile::skinny_k<element_type>::run * (lane.warp_rank() / P.warp_long);
    long_piece now, next;
    factors_type factors;

    // The first iteration (k < 0) only loads: this way the code of the loads exists once.
    for (int k = lane.warp() * warp_k - P.block.k; k < long_side.k; k += P.block.k) {
      // The short operand first: loads of single elements would also wait for earlier packs of the long operand.
      factors.fetch(lane, short_side, short_row, k + P.block.k, has_packs);
      next.fetch(lane, long_side, lane_row, k + P.block.k + lane_k, way);
      if (k >= 0) sums.multiply(lane, now, way, piece, few);
      lane.sync_warp();  // all lanes have read the piece
      factors.put(lane, piece);
      now = next;
      lane.sync_warp();
    }
  }

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
