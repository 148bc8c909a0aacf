// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Adds up the partial sums of a tile of C whose k loop several blocks share (split-K, stream-K: work_share.hpp). Each
// block stores its accumulators (its sums over a range of k) in global memory. The block that stores last adds the sums
// of all blocks, in order of increasing k. This order does not depend on which block is last: the result has the same
// bits in every launch.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/tile/work_share.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Global memory for the tiles that several blocks share. A part is the range of one tile's k loop that one block
/// computes (work_share::part). The memory `parts` is an array of pieces, each with room for the sums of a whole tile.
/// A block stores the sums of part p in piece p.contributor + p.tile: the block's index plus the tile's number. No two
/// parts have the same piece: if all parts are ordered by tile, and within a tile by k, the block's index or the tile's
/// number, or both, grow by 1 from one part to the next.
template <class Sum>
struct shared_sums {
  work_share share;  // which block computes which iterations of the k loop of which tile
  gmem_ptr<Sum> parts{nullptr};
  gmem_ptr<std::uint32_t> arrived{nullptr};  // for each tile: blocks that have stored their sums; 0 before the launch
};

/// Stores the block's accumulators `sums` of a part that is not a whole tile. Returns true in the block that stores
/// last of all blocks of the tile: its `sums` are then over all k of the tile. Returns false in the other blocks. All
/// lanes of the block call this function. `note` is a word of shared memory that no lane uses for anything else during
/// the call.
///
/// Sums. The type of one lane's accumulators, in packs of Sums::quad elements: for_packs(f) calls f(i, pack) for each
/// of the Sums::packs packs, and f may change the pack. If Sums::combined_in_registers is true, the registers have room
/// for a second set of accumulators.
template <int Threads, class Lane, class Sums>
TILERY_SIMT bool combine_sums(Lane lane, const shared_sums<typename Sums::sum>& all, const work_share::part& part,
                              Sums& sums, smem_ptr<std::uint32_t> note, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("combine sums", at);
  using sum = typename Sums::sum;
  constexpr int quad = Sums::quad, row = Threads * quad;
  constexpr std::int64_t piece = Sums::packs * row;
  // Layout of a piece: (pack i, lane, element). `own` is the lane's first pack in piece `part.tile`, which would be
  // that of block 0; the piece of block b is b pieces further.
  const auto own = all.parts + (part.tile * piece + lane.rank() * quad);

  sums.for_packs([&](int i, pack<sum, quad>& x) { lane.store(own + (part.contributor * piece + i * row), x); });
  lane.sync_block();  // makes lane 0's release cover the stores of all lanes
  // The acquire makes the stores of the blocks that arrived earlier visible to lane 0; the barrier after it makes them
  // visible to all lanes.
  if (lane.rank() == 0) lane.store(note, lane.atomic_add(all.arrived + part.tile, 1u, order::acquire_release));
  lane.sync_block();
  const auto blocks = all.share.contributors(part.tile);
  const std::uint32_t before = lane.load(note);  // blocks of this tile that arrived earlier
  lane.sync_block();                             // all lanes have read `note`, whose memory may now be reused
  if (before + 1 != static_cast<std::uint32_t>(blocks.count)) return false;

  const auto first = own + blocks.first * piece;  // the lane's first pack of the part with the lowest k
  if constexpr (Sums::combined_in_registers) {
    // A lane's loads from one piece are in flight together: each piece costs one round trip to the L2 cache.
    sums.for_packs([&](int i, pack<sum, quad>& x) { x = lane.load(first + i * row, width<quad>); });
    for (int b = 1; b < blocks.count; ++b)
      sums.for_packs([&](int i, pack<sum, quad>& x) { x = x + lane.load(first + (b * piece + i * row), width<quad>); });
    return true;
  }
  // The registers have no room for a second set of accumulators. Therefore the totals are stored over the first block's
  // piece, `together` packs at once (their loads are in flight together), and loaded into the accumulators at the end.
  constexpr int together = Sums::packs % 4 == 0 ? 4 : 1;
  for (int i = 0; i < Sums::packs; i += together) {
    pack<sum, quad> x[together];
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < together; ++j) x[j] = lane.load(first + (i + j) * row, width<quad>);
    for (int b = 1; b < blocks.count; ++b) {
      TILERY_UNROLL_ON_GPU
      for (int j = 0; j < together; ++j) x[j] = x[j] + lane.load(first + (b * piece + (i + j) * row), width<quad>);
    }
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < together; ++j) lane.store(first + (i + j) * row, x[j]);
  }
  sums.for_packs([&](int i, pack<sum, quad>& x) { x = lane.load(first + i * row, width<quad>); });
  return true;
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
