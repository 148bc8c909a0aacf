// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Caches of a block's last accesses to shared memory, by site and time: the set of readers that a warp's read joined,
// and the number of a lane's write. An instruction accesses many bytes with the same history.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block_order.hpp>
#include <tilery/simt/virtual/shadow.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class recent_accesses {
public:
  struct alignas(64) reads {  // of a warp
    std::uint64_t when = ~std::uint64_t{0};
    reading reader;
  };
  struct writes {
    std::uint64_t when = ~std::uint64_t{0};
    std::uint32_t number = 0;
  };

  recent_accesses(int warps, int lanes)
      : reads_(static_cast<std::size_t>(warps) * places), writes_(static_cast<std::size_t>(lanes) * places) {}

  reads& reads_of(int lane, std::uint32_t site) {
    return reads_[static_cast<std::size_t>(lane) / block_order::warp_lanes * places + site % places];
  }
  writes& writes_of(int lane, std::uint32_t site) {
    return writes_[static_cast<std::size_t>(lane) * places + site % places];
  }
  void forget() {
    std::fill(reads_.begin(), reads_.end(), reads{});
    std::fill(writes_.begin(), writes_.end(), writes{});
  }
  static std::uint64_t when(std::uint32_t time, std::uint32_t site) { return std::uint64_t{time} << 32 | site; }

private:
  static constexpr std::size_t places = 4;

  std::vector<reads> reads_;
  std::vector<writes> writes_;
};

/// The happens-before order as a reading lane asks for it: ordered(epoch) of this lane, ordered(readers) of all lanes
/// of its warp.
struct lane_order {
  const block_order& order;
  int lane;
  bool operator()(const epoch& e) const { return order.knows(lane, e); }
  bool operator()(const readers& r) const { return order.warp_knows(lane, r); }
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
