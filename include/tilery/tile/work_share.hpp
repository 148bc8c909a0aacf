// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The division of the tiles of C among blocks. A step is one iteration of a tile's k loop, in which the block
// multiplies block_k elements along k. A part is the range of a tile's steps that one block computes.
//
//   schedule      what a block computes
//   not shared    one whole tile
//   split-K       a part of the steps of one tile, which several blocks share
//   stream-K      a range of the sequence of the steps of all tiles, one tile after the other; ranges differ in length
//                 by at most one step, and may begin and end within a tile
//
// Split-K and stream-K are for problems whose tiles alone would leave SMs idle (policies/gemm_work.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/simt/index.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The steps that each block computes. In the sequence of the steps of all tiles, tile t has the steps [t * steps, (t +
/// 1) * steps).
struct work_share {
  std::int32_t steps = 0;  // steps of a tile; 0: block t takes all of tile t, and the other members are unused
  std::int32_t parts = 0;  // split-K: blocks that share each tile; 0: stream-K
  std::int32_t least = 0, more = 0;  // a block has `least` steps, each of the first `more` blocks (split-K: the first
                                     // `more` blocks of each tile) has one step more

  /// Split-K with `parts` blocks for each tile of `steps` steps.
  static constexpr work_share split_k(int steps, int parts) { return {steps, parts, steps / parts, steps % parts}; }
  /// Stream-K with `blocks` blocks for all steps of `tiles` tiles.
  static constexpr work_share stream_k(int steps, std::int64_t tiles, int blocks) {
    return {steps, 0, static_cast<std::int32_t>(tiles * steps / blocks),
            static_cast<std::int32_t>(tiles * steps % blocks)};
  }

  /// The steps of one tile that one block computes.
  struct part {
    std::int32_t tile;                // -1: there is no such part
    std::int32_t begin = 0, end = 0;  // the steps [begin, end) of the tile; both 0 if work_share::steps is 0
    std::int32_t left = 0;            // steps that the block has after this part
    std::int32_t contributor = 0;     // the block's index; 0 if work_share::steps is 0
  };

  /// The first part of block `block`.
  TILERY_SIMT part first(int block) const {
    if (steps == 0) return {block};
    if (parts > 0) return take(block / parts, begin_of(block % parts), share_of(block % parts), block);
    return take(begin_of(block) / steps, begin_of(block) % steps, share_of(block), block);
  }
  /// The part of the same block that follows part `behind`, in the next tile; its tile is -1 if there is none.
  TILERY_SIMT part next(const part& behind) const {
    if (behind.left == 0) return {-1};
    return take(behind.tile + 1, 0, behind.left, behind.contributor);
  }

  /// The elements of A or B that a part multiplies. `all` is the operand (panel.hpp); a step has `block_k` elements
  /// along k.
  template <class Panel>
  TILERY_SIMT Panel of(const part& p, const Panel& all, int block_k) const {
    return steps == 0 ? all : all.steps(p.begin, p.end, block_k);
  }

  /// True if the part is the whole tile.
  TILERY_SIMT bool whole(const part& p) const { return p.end - p.begin == steps; }

  /// The blocks that have parts of a tile: `count` consecutive blocks from block `first` on, in the order of their
  /// steps.
  struct blocks {
    std::int32_t first, count;
  };
  TILERY_SIMT blocks contributors(int tile) const {
    if (parts > 0) return {tile * parts, parts};
    const int first = block_of(tile * steps);
    return {first, block_of(tile * steps + steps - 1) - first + 1};
  }

private:
  /// The part of tile `tile` that begins at step `begin`, for a block that has `share` steps left.
  TILERY_SIMT part take(int tile, int begin, int share, int block) const {
    const int end = begin + share < steps ? begin + share : steps;
    return {tile, begin, end, share - (end - begin), block};
  }
  /// The number of steps of a block (split-K: `block` is the block's index in its tile).
  TILERY_SIMT int share_of(int block) const { return least + (block < more ? 1 : 0); }
  /// The first step of a block: in the tile (split-K; `block` is the block's index in it), or in the sequence of the
  /// steps of all tiles (stream-K).
  TILERY_SIMT int begin_of(int block) const { return block * least + (block < more ? block : more); }
  /// Stream-K: the block that has step `step` of the sequence of the steps of all tiles.
  TILERY_SIMT int block_of(int step) const {
    const int longer = more * (least + 1);
    return step < longer ? step / (least + 1) : more + (step - longer) / least;
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
