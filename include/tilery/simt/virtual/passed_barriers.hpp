// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The last sync_block that a block has passed, and the last sync_warp that each of its warps has passed. Barriers of a
// cluster, named barriers and mbarriers are not recorded.
//
// Reports of races use the two barriers to recognise loops. Suppose that a lane accesses memory after it has passed a
// barrier, that the source line of the access is above the barrier's line, and that lanes had executed this line before
// they passed the barrier for the first time. Then the access belongs to a later iteration of a loop, and the report
// says so: otherwise the reader would believe that the barrier between the two source lines orders the accesses.
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
    // its site (0: no barrier has been passed), and the time (vector_clock.hpp) at which its lanes continue
    std::uint32_t site = 0, time = 0;
  };

  /// Forgets the barriers of the previous block, and prepares for a block of `warps` warps.
  void begin(int warps) {
    block_ = {};
    warps_.assign(static_cast<std::size_t>(warps), {});
  }
  /// Records a sync_block.
  void block(std::uint32_t site, std::uint32_t time) { block_ = {site, time}; }
  /// Records a sync_warp of warp `number`.
  void warp(int number, std::uint32_t site, std::uint32_t time) {
    warps_[static_cast<std::size_t>(number)] = {site, time};
  }

  /// Returns the last barrier that the lanes of a warp have passed: a sync_warp of this warp, or a sync_block.
  const barrier& of_warp(int number) const {
    const barrier& own = warps_[static_cast<std::size_t>(number)];
    return own.site != 0 && own.time > block_.time ? own : block_;
  }
  /// Returns the last sync_block that the block has passed (site 0: none, here and in of_warp()).
  const barrier& of_block() const { return block_; }

private:
  barrier block_;
  std::vector<barrier> warps_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
