// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A cluster of the virtual GPU: blocks that run side by side, meet in sync_cluster and reach each other's shared
// memory. It is what the scheduler runs; a kernel that says nothing of clusters has clusters of one block. Blocks that
// have ended keep their shared memory until the last one has.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block.hpp>

#include <functional>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// What is to be run, its types forgotten.
struct grid_of_blocks {
  const char* kernel;
  index3 blocks;
  int threads;
  int shared_bytes;
  int cluster;  // blocks of one, along x
  block::lane_function function;
  const void* params;
  tensor_model tensors = {};
};

/// Makes the watch of a block; empty: nobody watches.
using watch_maker = std::function<std::unique_ptr<block_events>()>;

class cluster {
public:
  cluster(const grid_of_blocks& what, const watch_maker& new_watch) {
    for (int i = 0; i < what.cluster; ++i) {
      blocks_.push_back(
          std::make_unique<block>(what.threads, what.shared_bytes, new_watch ? new_watch() : nullptr, what.tensors));
      meeting_.blocks.push_back(blocks_.back().get());
    }
  }

  /// Makes all blocks ready to run, the first of them at this place of the grid.
  void begin(index3 first, const grid_of_blocks& what) {
    meeting_.live = meeting_.arrived = 0;
    for (const auto& b : blocks_) {
      b->begin(first, what.blocks, what.function, what.params, meeting_);
      ++first.x;
    }
  }

  /// Runs until every lane has ended or none can go on. Returns whether any lane is left.
  bool resume(fiber& scheduler) {
    for (bool again = true; again;) {
      again = false;
      for (const auto& b : blocks_) {
        if (!b->can_go_on()) continue;
        b->resume(scheduler);
        if (b->failure()) return true;
        again = true;
      }
    }
    return meeting_.live > 0;
  }

  /// Lets every lane in wait_until, and every one that polls, look again.
  void look_again() {
    for (const auto& b : blocks_) b->wake(verb::wait_until), b->wake(verb::poll);
  }
  /// Ends what is left, running the destructors of each lane.
  void cancel(fiber& scheduler) {
    for (const auto& b : blocks_) b->cancel(scheduler);
  }

  /// Where each live lane stands.
  std::string where_lanes_wait() const {
    std::string text;
    for (const auto& b : blocks_) text += b->where_lanes_wait();
    return text;
  }
  std::exception_ptr failure() const {
    for (const auto& b : blocks_)
      if (b->failure()) return b->failure();
    return {};
  }
  bool waits_for_memory() const { return lanes_in(verb::wait_until) + polling() > 0; }
  /// How many lanes poll.
  int polling() const { return lanes_in(verb::poll); }
  /// See `block`: a cluster that was resumed without a move has not moved.
  std::uint64_t moves() const {
    std::uint64_t sum = 0;
    for (const auto& b : blocks_) sum += b->moves();
    return sum;
  }

private:
  int lanes_in(verb what) const {
    int sum = 0;
    for (const auto& b : blocks_) sum += b->lanes_in(what);
    return sum;
  }

  std::vector<std::unique_ptr<block>> blocks_;
  cluster_meeting meeting_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
