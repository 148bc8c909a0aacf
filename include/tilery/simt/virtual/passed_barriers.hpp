// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The last barrier that a block and each of its warps have passed. After a barrier, an access by a line above it that
// has been executed before belongs to a later iteration of a loop. A race's report says so: otherwise the barrier that
// the report asks for would seem to be there already.
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
    std::uint32_t site = 0, time = 0;  // its site, and the lanes' time after it
  };

  void begin(int warps) {
    block_ = {};
    warps_.assign(static_cast<std::size_t>(warps), {});
  }
  void block(std::uint32_t site, std::uint32_t time) { block_ = {site, time}; }
  void warp(int number, std::uint32_t site, std::uint32_t time) {
    warps_[static_cast<std::size_t>(number)] = {site, time};
  }

  /// The last barrier that the lanes of a warp have passed: a barrier of the warp or of the block.
  const barrier& of_warp(int number) const {
    const barrier& own = warps_[static_cast<std::size_t>(number)];
    return own.site != 0 && own.time > block_.time ? own : block_;
  }
  const barrier& of_block() const { return block_; }

private:
  barrier block_;
  std::vector<barrier> warps_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
