// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sums of a tile whose steps along k several blocks have shared: each leaves its own in global memory, and the
// block that comes last adds them up. It adds them in the order of k, whichever block it is: the same bits each time.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/tile/work_share.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The blocks' common memory for shared tiles. Part p's sums are tile-sized piece p.contributor + p.tile of `parts`:
/// from one part of the row of steps to the next the block or the tile is another, so that each has its own piece.
template <class Sum>
struct shared_sums {
  work_share share;
  gmem_ptr<Sum> parts{nullptr};
  gmem_ptr<std::uint32_t> arrived{nullptr};  // for each tile the blocks that are done with their part; 0 at first
};

/// Takes the block's sums of a part that is not a whole tile. True in the block that came last: `sums` is the tile's
/// then. All lanes of the block call it; `note` is a word of shared memory that nobody else uses meanwhile.
template <int Threads, class Lane, class Sums>
TILERY_SIMT bool combine_sums(Lane lane, const shared_sums<typename Sums::sum>& all, const work_share::part& part,
                              Sums& sums, smem_ptr<std::uint32_t> note, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("combine sums", at);
  using sum = typename Sums::sum;
  constexpr int quad = Sums::quad, row = Threads * quad;
  constexpr std::int64_t piece = Sums::packs * row;
  const auto own = all.parts + (part.tile * piece + lane.rank() * quad);

  sums.for_packs([&](int i, pack<sum, quad>& x) { lane.store(own + (part.contributor * piece + i * row), x); });
  lane.sync_block();  // the first lane's release stands for all of them
  if (lane.rank() == 0) lane.store(note, lane.atomic_add(all.arrived + part.tile, 1u, order::acquire_release));
  lane.sync_block();
  const auto blocks = all.share.contributors(part.tile);
  const std::uint32_t before = lane.load(note);
  lane.sync_block();
  if (before + 1 != static_cast<std::uint32_t>(blocks.count)) return false;

  const auto first = own + blocks.first * piece;
  if constexpr (Sums::combined_in_registers) {
    // All loads of a part are under way together: a part costs one trip to the L2 cache.
    sums.for_packs([&](int i, pack<sum, quad>& x) { x = lane.load(first + i * row, width<quad>); });
    for (int b = 1; b < blocks.count; ++b)
      sums.for_packs([&](int i, pack<sum, quad>& x) { x = x + lane.load(first + (b * piece + i * row), width<quad>); });
    return true;
  }
  // In memory, a few packs at a time.
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
