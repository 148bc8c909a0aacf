// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The interface by which a block (block.hpp) tells its checks (block_watch.hpp) what happens: the block begins or ends,
// or a barrier or collective is complete. An unchecked block tells nothing. Also the verbs in which a lane can wait,
// with their names. A verb is a call of a lane's function (simt/lane.hpp), such as a load or a barrier; a site is a
// verb with its source line (site.hpp). A collective is a verb that all lanes of a warp or block call together.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/site.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The verb in which a suspended lane waits. `nothing`: the lane does not wait. `poll`: an atomic in a loop that waits
/// until another lane changes the value (polling.hpp). `warp_instruction`: an instruction of a whole warp, such as an
/// mma.
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

/// Returns ranks, which must be in ascending order, as text with a leading blank, for example " 0-3, 7".
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

/// The blocks of a cluster, and the state of the cluster's barrier.
struct cluster_state {
  std::vector<block*> blocks;  // by rank in the cluster
  int live = 0, arrived = 0;   // lanes of all blocks that have not ended; that wait in sync_cluster

  /// Returns the block of this rank; null if the cluster has no such rank.
  block* at(int rank) const {
    return rank >= 0 && rank < static_cast<int>(blocks.size()) ? blocks[static_cast<std::size_t>(rank)] : nullptr;
  }
};

/// The receiver of a block's events: the checks.
struct block_events {
  virtual ~block_events() = default;
  /// The block begins to run at its position in the grid.
  virtual void begins(const block& self) = 0;
  /// All lanes of the block have ended.
  virtual void ends() = 0;
  /// Returns the site of the lane's last verb.
  virtual site last_site(int lane) const = 0;
  /// A phase of an mbarrier is complete. Copies that are still in flight in `state` were not expected by the phase: no
  /// arrival has announced their bytes.
  virtual void phase_complete(const void* mbarrier, const mbarrier_state& state) = 0;
  /// All arrivals of the mbarrier's phase have come, and copies have brought `more` bytes in excess of those that the
  /// phase expects: the phase would never complete.
  virtual void too_many_bytes(const void* mbarrier, std::int64_t more) = 0;
  /// The named barrier of this number is complete: all lanes that it expects have arrived.
  virtual void named_complete(int number) = 0;
  /// All live lanes of a warp, those that have not ended, have arrived at the collective `what`. `lanes`: their bit
  /// mask.
  virtual void warp_complete(int warp, verb what, std::uint32_t lanes) = 0;
  /// All live lanes of the block have arrived at sync_block. `lanes`: their number.
  virtual void block_complete(int lanes) = 0;
  /// All live lanes of the cluster have arrived at sync_cluster.
  virtual void cluster_complete(const cluster_state& cluster) = 0;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
