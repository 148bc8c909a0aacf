// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the other blocks of a cluster have done in a block's shared memory: of each of their lanes the last access.
// Lanes order their own accesses, so that the block may end when it knows of these.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/epoch.hpp>

#include <string>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

struct visit {
  epoch self;
  int lane = -1;  // -1: none
  std::int64_t offset = 0;
  int bytes = 0;
  bool writes = false;
};

class visit_log {
public:
  /// `rank` is that of the visitor's block in its cluster.
  void add(const visit& v, int rank, int threads) {
    const auto at =
        static_cast<std::size_t>(rank) * static_cast<std::size_t>(threads) + static_cast<std::size_t>(v.lane);
    if (at >= last_.size()) last_.resize(at + 1);
    last_[at] = v;
  }
  template <class Visit>
  void for_each(const Visit& each) const {
    for (const visit& v : last_)
      if (v.lane >= 0) each(v);
  }
  void clear() { last_.clear(); }

private:
  std::vector<visit> last_;
};

/// The name in reports of the shared memory of the cluster's block `rank`.
inline std::string shared_memory_of(int rank) {
  return "the shared memory of block " + std::to_string(rank) + " of the cluster";
}

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
