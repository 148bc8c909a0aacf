// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The last sync_block that a block has passed, and the last sync_warp that each of its warps has passed. Barriers of a
// cluster, named barriers and mbarriers are not recorded.
//
// Reports of races use these barriers to recognise loops. Suppose that a lane accesses memory after it has passed a
// barrier, that the source line of the access is above the barrier's line, and that a lane had executed the access's
// line before lanes passed the barrier for the first time. Then the access belongs to a later iteration of a loop, and
// the report says so. Otherwise the reader would believe that the barrier, whose line is between the lines of the two
// accesses of the race, orders them.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class passed_barriers {
public:
  struct barrier {
    // site: the number of the barrier's site (site.hpp); 0: no barrier has been passed. time: the time, just after the
    // barrier, of the lanes that have passed it (block_order.hpp: a count that increases at a lane's releases, proxy
    // fences and barriers).
    std::uint32_t site = 0, time = 0;
  };

  /// Forgets the barriers of the previous block, and prepares for a block of `warps` warps.
  void begin(int warps) {
    block_ = {};
    warps_.assign(static_cast<std::size_t>(warps), {});
  }
  /// Records that the block has passed a sync_block.
  void block(std::uint32_t site, std::uint32_t time) { block_ = {site, time}; }
  /// Records that warp `number` of the block has passed a sync_warp.
  void warp(int number, std::uint32_t site, std::uint32_t time) {
    warps_[static_cast<std::size_t>(number)] = {site, time};
  }

  /// Returns the last barrier that warp `number` has passed: a sync_warp of this warp, or a sync_block. Its `site` is 0
  /// if the warp has passed neither.
  const barrier& of_warp(int number) const {
    const barrier& own = warps_[static_cast<std::size_t>(number)];
    return own.site != 0 && own.time > block_.time ? own : block_;
  }
  /// Returns the last sync_block that the block has passed. Its `site` is 0 if the block has passed none.
  const barrier& of_block() const { return block_; }

private:
  barrier block_;               // the last sync_block
  std::vector<barrier> warps_;  // by warp: the last sync_warp
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
