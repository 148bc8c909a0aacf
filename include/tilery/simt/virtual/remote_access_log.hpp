// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The accesses to one block's shared memory by the lanes of the other blocks of its cluster. All of these accesses must
// happen before the end of the block that owns the memory. Only the last access of each lane is kept: the accesses of
// one lane are ordered, so if the last one happens before the block's end, all of them do.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/epoch.hpp>

#include <string>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The last access that one lane of another block has made to this block's shared memory.
struct last_remote_access {
  epoch self;               // the access with its block, time and site (epoch.hpp)
  int lane = -1;            // rank of the lane in its block; -1: the lane has made no access
  std::int64_t offset = 0;  // from the start of the accessed shared memory, in bytes
  int bytes = 0;            // size of the access
  bool writes = false;
};

class remote_access_log {
public:
  /// Stores an access in place of the lane's previous access. `rank`: the rank in the cluster of the block to which the
  /// lane belongs. `threads`: the number of threads of a block.
  void add(const last_remote_access& a, int rank, int threads) {
    const auto at =
        static_cast<std::size_t>(rank) * static_cast<std::size_t>(threads) + static_cast<std::size_t>(a.lane);
    if (at >= last_.size()) last_.resize(at + 1);
    last_[at] = a;
  }
  /// Calls each(access) for the last access of each lane that has made one.
  template <class Visit>
  void for_each(const Visit& each) const {
    for (const last_remote_access& a : last_)
      if (a.lane >= 0) each(a);
  }
  void clear() { last_.clear(); }

private:
  std::vector<last_remote_access> last_;  // (rank of the lane's block in the cluster, lane)
};

/// Returns the name that reports give to the shared memory of block `rank` of the cluster.
inline std::string shared_memory_of(int rank) {
  return "the shared memory of block " + std::to_string(rank) + " of the cluster";
}

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
