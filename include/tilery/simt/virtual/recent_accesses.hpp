// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Caches for the recording of accesses to a block's shared memory (shadow.hpp). For the last reads of each warp: the
// set of readers that the lanes join (`reading`, cell_readers.hpp). For the last writes of each lane: the number in the
// write log. The caches help because one instruction accesses many bytes, which mostly have the same history.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block_order.hpp>
#include <tilery/simt/virtual/shadow.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class recent_accesses {
public:
  /// The reads of one warp at one time and site. The alignment is that of a cache line of the host.
  struct alignas(64) reads {
    std::uint64_t when = ~std::uint64_t{0};  // see when(); the default is no time and site
    reading reader;
  };
  /// The writes of one lane at one time and site.
  struct writes {
    std::uint64_t when = ~std::uint64_t{0};
    std::uint32_t number = 0;  // of their entry in the write log
  };

  recent_accesses(int warps, int lanes)
      : reads_(static_cast<std::size_t>(warps) * places), writes_(static_cast<std::size_t>(lanes) * places) {}

  /// Returns the cache entry of this lane's warp for a site. The entry may hold another site or an earlier time: the
  /// caller compares `when`.
  reads& reads_of(int lane, std::uint32_t site) {
    return reads_[static_cast<std::size_t>(lane) / block_order::warp_lanes * places + site % places];
  }
  /// Returns this lane's cache entry for a site. The entry may hold another site or an earlier time, too.
  writes& writes_of(int lane, std::uint32_t site) {
    return writes_[static_cast<std::size_t>(lane) * places + site % places];
  }
  void forget() {
    std::fill(reads_.begin(), reads_.end(), reads{});
    std::fill(writes_.begin(), writes_.end(), writes{});
  }
  /// Returns a time and site as one number.
  static std::uint64_t when(std::uint32_t time, std::uint32_t site) { return std::uint64_t{time} << 32 | site; }

private:
  static constexpr std::size_t places = 4;  // entries of each warp or lane, by the site modulo 4

  std::vector<reads> reads_;    // (warp, place)
  std::vector<writes> writes_;  // (lane, place)
};

/// The function `ordered` that shadow::fast_read() takes, for a read by `lane`.
struct lane_order {
  const block_order& order;
  int lane;
  /// True if the write happens before the lane's next access.
  bool operator()(const epoch& e) const { return order.knows(lane, e); }
  /// True if the warp's clock shows that the reads happen before the next access of every lane of this lane's warp.
  bool operator()(const readers& r) const { return order.warp_knows(lane, r); }
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
