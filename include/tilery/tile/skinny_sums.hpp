// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The accumulators of one lane of the GEMM for a C with few rows or few columns (gemm_skinny). The long operand is the
// operand of C's longer dimension (B if C has few rows, A if C has few columns), the short operand is the other one. A
// row of an operand is all k at one index of m (A) or n (B). A lane multiplies four rows of the long operand by each
// row of the short operand, over the lane's part of k. After the k loop the sums of all lanes and warps are added up.
#pragma once
#pragma GCC system_header

#include <tilery/tile/skinny_operands.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The accumulators of one lane under policy P (gemm_skinny_policy). During the k loop: 4 along the long dimension by
/// P.block.n along the short one, over the lane's part of k. After add_up(): the totals over all k of the block, of
/// which each lane holds `packs`; along_long() and along_short() return their positions.
template <auto P, class Sum>
class skinny_sums {
public:
  using sum = Sum;
  static constexpr int quad = 1;  // elements of each pack that for_packs() passes, for combine_sums.hpp
  static constexpr int threads = P.threads(), warps = P.warps(), packs = P.block.n / warps;

  /// `shared` holds the sums of all warps in shared memory, for add_up(). Its layout: a group is 16 bytes of sums of
  /// one row of the long operand with neighbouring rows of the short operand. The 32 rows of the long operand are
  /// stored in the order 0, 4, ..., 28, 1, 5, ...; 32 bytes of padding follow each eight of them, so that neither the
  /// stores nor the loads of add_up() have bank conflicts.
  static constexpr int group = static_cast<int>(16 / sizeof(Sum)), groups = P.block.n / group;
  static constexpr int of_a_warp = P.block.m * group + P.lane_long * 2 * group;
  using shared = shared_array<Sum, groups * warps * of_a_warp>;  // (group, warp, long, short)

  TILERY_SIMT skinny_sums() {
    TILERY_UNROLL_ON_GPU
    for (int r = 0; r < 4; ++r) {
      TILERY_UNROLL_ON_GPU
      for (int g = 0; g < groups; ++g) sums_[r][g] = splat<group>(Sum(0));
    }
  }

  /// Adds the lane's piece of the long operand (skinny_piece in skinny_operands.hpp: K elements of each of its four
  /// rows) times the first `few` rows of the short operand to the sums. `x` is the warp's piece of the short operand in
  /// shared memory (skinny_panel). `few` is rounded up to a whole group.
  template <class T, int K, class Lane, class Panel>
  TILERY_SIMT void multiply(Lane lane, const skinny_piece<T, K>& piece, along way, Panel& x, int few, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("multiply by the short operand", at);
    const int k = lane.warp_rank() / P.warp_long * skinny_k<T>::run;
    TILERY_UNROLL_ON_GPU
    for (int four = 0; four < K; four += 4) {
      Sum w[4][4];  // (row, k): 4 rows of the long operand by 4 steps of k
      TILERY_UNROLL_ON_GPU
      for (int r = 0; r < 4; ++r) {
        TILERY_UNROLL_ON_GPU
        for (int j = 0; j < 4; ++j) w[r][j] = convert<Sum>(piece.at(r, four + j, way));
      }
      TILERY_UNROLL_ON_GPU
      for (int g = 0; g < groups; ++g) {
        if (g * group >= few) break;
        lane.operations(fma_unit<Sum>, 4 * 4 * group);
        TILERY_UNROLL_ON_GPU
        for (int j = 0; j < 4; ++j) {
          const auto values = lane.load(x.at(k + skinny_k<T>::of(four + j), g * group), width<group>);
          TILERY_UNROLL_ON_GPU
          for (int r = 0; r < 4; ++r) sums_[r][g] = fma(splat<group>(w[r][j]), values, sums_[r][g]);
        }
      }
    }
  }

  /// Adds up the sums of all lanes and warps, always in the same order. Before the call, all lanes of the block must
  /// have finished their other accesses to the block's shared memory and passed a barrier. `few` is the number of rows
  /// of the short operand. `few` is rounded up to a whole group; totals of later rows are 0.
  template <class Lane>
  TILERY_SIMT void add_up(Lane lane, shared& memory, int few, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("add up the warps", at);
    const bool upper = lane.warp_rank() & 16, odd = lane.warp_rank() & 8;
    TILERY_UNROLL_ON_GPU
    for (int g = 0; g < groups; ++g) {
      if (g * group >= few) break;
      // Four lanes, whose ranks differ in bits 3 and 4, have the same four rows, at different k. Each of them receives
      // one of these rows, added up over the four lanes.
      const auto low = swap(lane, upper, sums_[0][g], sums_[2][g], 16),
                 high = swap(lane, upper, sums_[1][g], sums_[3][g], 16);
      const int row = P.lane_long * (lane.warp_rank() % P.warp_long) + lane.warp_rank() / P.warp_long;
      lane.store(memory.at(place(g, lane.warp(), row)), swap(lane, odd, low, high, 8));
    }
    lane.sync_block();
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < packs; ++i) {
      const int at_short = along_short(lane, i);
      Sum all(0);
      if (at_short / group * group < few)
        for (int warp = 0; warp < warps; ++warp)
          all += lane.load(memory.at(place(at_short / group, warp, along_long(lane, i)) + at_short % group));
      finished_[i] = splat<1>(all);
    }
  }

  /// The position of the lane's total i in the block's tile, along the long dimension.
  template <class Lane>
  TILERY_SIMT int along_long(Lane lane, int i) const {
    return (lane.rank() + i * threads) % (P.block.m * group) / group;
  }
  /// The position of the lane's total i in the block's tile, along the short dimension.
  template <class Lane>
  TILERY_SIMT int along_short(Lane lane, int i) const {
    const int number = lane.rank() + i * threads;
    return number / (P.block.m * group) * group + number % group;
  }
  /// The lane's total i.
  TILERY_SIMT pack<Sum, 1> finished(int i) const { return finished_[i]; }

  /// True: the registers have room for the totals that another block has stored (combine_sums.hpp), `packs` of them.
  static constexpr bool combined_in_registers = true;

  /// Calls f(i, pack) for each of the lane's totals; a pack has one total. f may change the total.
  template <class F>
  TILERY_SIMT void for_packs(F f) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < packs; ++i) f(i, finished_[i]);
  }

private:
  /// The offset in shared memory, in elements, of group `g` of warp `warp` and row `row` of the long operand.
  TILERY_SIMT static int place(int g, int warp, int row) {
    const int column = row % P.lane_long, lane = row / P.lane_long;
    return (g * warps + warp) * of_a_warp + (column * P.warp_long + lane) * group + column * 2 * group;
  }

  /// Adds up the sums of the two lanes whose ranks differ in the bit `mask`. The lane without this bit (`upper` is
  /// false) receives the total of `a`, the lane with this bit the total of `b`.
  template <class Lane>
  TILERY_SIMT static pack<Sum, group> swap(Lane lane, bool upper, const pack<Sum, group>& a, const pack<Sum, group>& b,
                                           int mask) {
    pack<Sum, group> result;
    TILERY_UNROLL_ON_GPU
    for (int e = 0; e < group; ++e) result.set(e, (upper ? b[e] : a[e]) + lane.shuffle_xor(upper ? a[e] : b[e], mask));
    return result;
  }

  pack<Sum, group> sums_[4][groups];  // (row of the long operand, group of rows of the short operand)
  pack<Sum, 1> finished_[packs];      // the totals, after add_up()
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
