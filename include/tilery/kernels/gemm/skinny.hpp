// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM for a C with few rows or few columns, where memory bandwidth is the bound. The long operand is read once,
// straight into registers. Packs are loaded one iteration before they are multiplied; single elements are waited for.
// The warps of a block share its k, and no warp waits for another one before its accumulators are complete.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/gemm_skinny.hpp>
#include <tilery/tile/rasterize.hpp>
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
  static constexpr bool holds_alone = false;

  static constexpr int warp_k = P.warp_k * P.lane_k;  // elements along k of one warp in one iteration
  using factors_type = tile::skinny_factors<element_type, sum, P.block.n, warp_k>;
  using sums_type = tile::skinny_sums<P, sum>;
  union shared {
    typename factors_type::shared pieces[P.warps()];  // the short operand's elements, one piece for each warp
    typename sums_type::shared sums;
    shared_array<std::uint32_t, 1> note;
  };
  static_assert(sizeof(shared) == P.shared_bytes(sizeof(element_type)));

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& all, shared& smem) {
    tile::for_parts<P.k_parts != 1>(lane, all.work.share, [&](const auto& part) { compute(lane, all, part, smem); });
  }

private:
  template <class Lane>
  TILERY_SIMT static void compute(Lane lane, const Params& all, const tile::work_share::part& part, shared& smem) {
    const auto& share = all.work.share;
    const auto [p, index, tile] = all.template find<P>(part.tile);
    const tile_mn cut = tile_extents(P.block, P.m_is_longer_side, p.c.rows, p.c.columns);
    const auto origin = tile::rasterize(tile, p.c.rows, p.c.columns, cut.m, cut.n);
    const bool few_rows = p.c.rows < p.c.columns;
    const auto a = share.of(part, p.a_of(index), P.block.k), b = share.of(part, p.b_of(index), P.block.k);
    const auto from = few_rows ? b : a, by = few_rows ? a : b;
    const int row = few_rows ? origin.column : origin.row, first = few_rows ? origin.row : origin.column;
    const int few = lesser(by.outer - first, P.block.n);

    sums_type sums;
    multiply(lane, from, row, by, first, few, smem.pieces[lane.warp()], sums);
    lane.sync_block();  // all warps have read their pieces, whose memory the sums take
    sums.add_up(lane, smem.sums, few);
    if constexpr (P.k_parts != 1)
      if (!share.whole(part) && !tile::combine_sums<threads>(lane, all.work, part, sums, smem.note.at(0))) return;
    store(lane, p.c_of(index), row, first, few_rows, sums);
  }

  template <class Lane>
  TILERY_SIMT static void multiply(Lane lane, const panel<element_type>& from, int row, const panel<element_type>& by,
                                   int first, int few, typename factors_type::shared& piece, sums_type& sums) {
    using long_piece = tile::skinny_piece<element_type, P.lane_k>;
    const along way = long_piece::way(from);
    const bool has_packs = by.has_packs(along::k, tile::skinny_k<element_type>::run);
    const int lane_row = row + P.lane_long * (lane.warp_rank() % P.warp_long);
    const int lane_k = tile::skinny_k<element_type>::run * (lane.warp_rank() / P.warp_long);
    long_piece now, next;
    factors_type factors;

    // The first iteration (k < 0) only loads: this way the code of the loads exists once.
    for (int k = lane.warp() * warp_k - P.block.k; k < from.k; k += P.block.k) {
      // The short operand first: loads of single elements would also wait for earlier packs of the long operand.
      factors.fetch(lane, by, first, k + P.block.k, has_packs);
      next.fetch(lane, from, lane_row, k + P.block.k + lane_k, way);
      if (k >= 0) sums.multiply(lane, now, way, piece, few);
      lane.sync_warp();  // all lanes have read the piece
      factors.put(lane, piece);
      now = next;
      lane.sync_warp();
    }
  }

  template <class Lane, class One>
  TILERY_SIMT static void store(Lane lane, const One& p, int row, int first, bool few_rows, const sums_type& sums) {
    auto epilogue = epilogue::in_tile<typename Params::accumulator, 1, sums_type::packs>(p.epilogue);
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < sums_type::packs; ++i) {
      const int along_long = row + sums.along_long(lane, i), along_short = first + sums.along_short(lane, i);
      tile::store_sums<1>(lane, p, epilogue, few_rows ? along_short : along_long, few_rows ? along_long : along_short,
                          convert<typename Params::accumulator>(sums.finished(i)));
    }
    epilogue.end(lane);
  }
};

}  // namespace tilery::inline TILERY_ABI
