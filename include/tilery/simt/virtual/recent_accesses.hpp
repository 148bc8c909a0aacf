// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Two caches that make the recording of accesses to a block's shared memory (shadow.hpp) faster. They help because one
// instruction accesses many bytes, most of which were read and written by the same accesses.
//
// Reads. Each byte stores the number of the set of its readers. A cache keeps, for each warp, the last change of a lane
// from one set to another (`reading`, cell_readers.hpp). If the next lane or the next byte begins from the same set,
// this change is repeated without a search.
//
// Writes. A cache keeps, for each lane, the number of its last write in the write log (write_log.hpp).
//
// An entry belongs to one time and site. A lane's time increases at its releases, proxy fences and barriers
// (block_order.hpp). A site is a place in the kernel, given by its number (site.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block_order.hpp>
#include <tilery/simt/virtual/shadow.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class recent_accesses {
public:
  /// The reads of one warp at one time and site. The alignment, 64 bytes, is that of a usual cache line of the host.
  struct alignas(64) reads {
    std::uint64_t when = ~std::uint64_t{0};  // see when(); the default is no time and site
    reading reader;
  };
  /// The writes of one lane at one time and site.
  struct writes {
    std::uint64_t when = ~std::uint64_t{0};
    std::uint32_t number = 0;  // the number in the write log that all of these writes have
  };

  recent_accesses(int warps, int lanes)
      : reads_(static_cast<std::size_t>(warps) * places), writes_(static_cast<std::size_t>(lanes) * places) {}

  /// Returns the cache entry of this lane's warp for a site. The entry may belong to another site or to an earlier
  /// time: the caller must compare its `when`.
  reads& reads_of(int lane, std::uint32_t site) {
    return reads_[static_cast<std::size_t>(lane) / block_order::warp_lanes * places + site % places];
  }
  /// Returns this lane's cache entry for a site. The caller must compare `when` here, too.
  writes& writes_of(int lane, std::uint32_t site) {
    return writes_[static_cast<std::size_t>(lane) * places + site % places];
  }
  /// Empties both caches.
  void forget() {
    std::fill(reads_.begin(), reads_.end(), reads{});
    std::fill(writes_.begin(), writes_.end(), writes{});
  }
  /// Returns a time and site as one number.
  static std::uint64_t when(std::uint32_t time, std::uint32_t site) { return std::uint64_t{time} << 32 | site; }

private:
  static constexpr std::size_t places = 4;  // number of entries of each warp or lane: one for each value of site % 4

  std::vector<reads> reads_;    // (warp, site % 4)
  std::vector<writes> writes_;  // (lane, site % 4)
};

/// The function `ordered` that shadow::fast_read() takes, for a read by `lane`.
struct lane_order {
  const block_order& order;
  int lane;
  /// True if the write happens before the lane's next access.
  bool operator()(const epoch& e) const { return order.knows(lane, e); }
  /// True if the clock of this lane's warp shows that the reads happen before the next access of every lane of the
  /// warp. False if this follows only from clocks of single lanes (block_order.hpp).
  bool operator()(const readers& r) const { return order.warp_knows(lane, r); }
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
