// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a block tells its watch: that it begins and ends, and that lanes have met.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/site.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// What a lane is doing when it is not running.
enum class verb : std::uint8_t {
  nothing,
  sync_block,
  sync_cluster,
  sync_warp,
  shuffle,
  shuffle_xor,
  shuffle_down,
  ballot,
  wait_until,
  poll,
  wait_mbarrier,
  sync_named,
  warp_instruction
};

constexpr const char* name_of(verb v) {
  constexpr const char* names[] = {"nothing",
                                   "sync_block",
                                   "sync_cluster",
                                   "sync_warp",
                                   "shuffle",
                                   "shuffle_xor",
                                   "shuffle_down",
                                   "ballot",
                                   "wait_until",
                                   "an atomic that polls",
                                   "wait_mbarrier",
                                   "sync_named",
                                   "a warp's instruction"};
  return names[static_cast<int>(v)];
}

/// Ranks as text: " 0-3, 7".
inline std::string ranges(const std::vector<int>& ranks) {
  std::string text;
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t last = i;
    while (last + 1 < ranks.size() && ranks[last + 1] == ranks[last] + 1) ++last;
    text += (i ? ", " : " ") + std::to_string(ranks[i]) + (last > i ? "-" + std::to_string(ranks[last]) : "");
    i = last + 1;
  }
  return text;
}

class block;
struct mbarrier_state;

/// The blocks of a cluster by rank, and how many of their lanes live and are at its barrier.
struct cluster_meeting {
  std::vector<block*> blocks;
  int live = 0, arrived = 0;

  /// The block of this rank, or null.
  block* at(int rank) const {
    return rank >= 0 && rank < static_cast<int>(blocks.size()) ? blocks[static_cast<std::size_t>(rank)] : nullptr;
  }
};

/// Who is told when lanes have met.
struct block_events {
  virtual ~block_events() = default;
  /// The block begins to run as one of the grid.
  virtual void begins(const block& self) = 0;
  /// All of its lanes have ended.
  virtual void ends() = 0;
  /// Where a lane was last seen.
  virtual site last_site(int lane) const = 0;
  /// A phase of an mbarrier is over. Copies that its state still has were not expected.
  virtual void phase_over(const void* mbarrier, const mbarrier_state& state) = 0;
  /// Copies have brought more bytes to an mbarrier than its phase expects: it would never end.
  virtual void too_many_bytes(const void* mbarrier, std::int64_t more) = 0;
  /// Enough lanes have come to a named barrier.
  virtual void named_over(int number) = 0;
  /// These lanes of a warp have met in `what`, all that are left of it.
  virtual void warp_met(int warp, verb what, std::uint32_t lanes) = 0;
  /// All lanes that are left of the block have met.
  virtual void block_met(int lanes) = 0;
  /// All lanes that are left of the cluster have met.
  virtual void cluster_met(const cluster_meeting& cluster) = 0;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
