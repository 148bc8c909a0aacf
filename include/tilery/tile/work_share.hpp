// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the tiles of C are shared out among blocks: a tile a block, or, where tiles are fewer than a GPU needs, several
// blocks a tile, each with a part of the steps along k (split-K), or the steps of all tiles as one row that is cut into
// even pieces, wherever tiles end (stream-K).
#pragma once
#pragma GCC system_header

#include <tilery/simt/index.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Which steps of which tiles a block computes. Tile t has the steps [t steps, (t + 1) steps) of the row.
struct work_share {
  std::int32_t steps = 0;            // of a tile; 0: block t takes all of tile t, and the rest is not used
  std::int32_t parts = 0;            // blocks that share each tile; 0: the row of all steps is shared
  std::int32_t least = 0, more = 0;  // steps of a block; the first `more` blocks, of a tile or of all, have one more

  /// `parts` blocks for each tile, or `blocks` for the row of all steps.
  static constexpr work_share split_k(int steps, int parts) { return {steps, parts, steps / parts, steps % parts}; }
  static constexpr work_share stream_k(int steps, std::int64_t tiles, int blocks) {
    return {steps, 0, static_cast<std::int32_t>(tiles * steps / blocks),
            static_cast<std::int32_t>(tiles * steps % blocks)};
  }

  /// The steps of one tile that one block computes.
  struct part {
    std::int32_t tile;                // -1: no part
    std::int32_t begin = 0, end = 0;  // steps, counted from the tile's first
    std::int32_t left = 0;            // steps of the block behind this part
    std::int32_t contributor = 0;     // the block's number
  };

  /// A block's first part, and the one behind another.
  TILERY_SIMT part first(int block) const {
    if (steps == 0) return {block};
    if (parts > 0) return take(block / parts, begin_of(block % parts), share_of(block % parts), block);
    return take(begin_of(block) / steps, begin_of(block) % steps, share_of(block), block);
  }
  TILERY_SIMT part next(const part& behind) const {
    if (behind.left == 0) return {-1};
    return take(behind.tile + 1, 0, behind.left, behind.contributor);
  }

  /// What a part needs of A or B, whose tiles are `block_k` wide along k.
  template <class Panel>
  TILERY_SIMT Panel of(const part& p, const Panel& all, int block_k) const {
    return steps == 0 ? all : all.along_k(p.begin * block_k, p.end * block_k);
  }

  /// Whether nobody else has a part of the tile.
  TILERY_SIMT bool whole(const part& p) const { return p.end - p.begin == steps; }

  /// The blocks that have parts of a tile, in the order of their steps.
  struct blocks {
    std::int32_t first, count;
  };
  TILERY_SIMT blocks contributors(int tile) const {
    if (parts > 0) return {tile * parts, parts};
    const int first = block_of(tile * steps);
    return {first, block_of(tile * steps + steps - 1) - first + 1};
  }

private:
  TILERY_SIMT part take(int tile, int begin, int share, int block) const {
    const int end = begin + share < steps ? begin + share : steps;
    return {tile, begin, end, share - (end - begin), block};
  }
  TILERY_SIMT int share_of(int block) const { return least + (block < more ? 1 : 0); }
  TILERY_SIMT int begin_of(int block) const { return block * least + (block < more ? block : more); }
  TILERY_SIMT int block_of(int step) const {
    const int longer = more * (least + 1);
    return step < longer ? step / (least + 1) : more + (step - longer) / least;
  }
};

/// Calls compute(part) for each part of a tile that the block has; where tiles are not Shared, that is all of one. All
/// lanes of the block come, and have left the shared memory before the next part.
template <bool Shared, class Lane, class F>
TILERY_SIMT void for_parts(Lane lane, const work_share& share, F compute) {
  if constexpr (!Shared) {
    compute(work_share::part{lane.block().x});
  } else {
    for (auto part = share.first(lane.block().x); part.tile >= 0; part = share.next(part)) {
      compute(part);
      if (part.left > 0) lane.sync_block();
    }
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
