// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A cluster of the virtual GPU: blocks that run in turn on one host thread, synchronise by sync_cluster and access each
// other's shared memory. The scheduler (grid.hpp) runs whole clusters. A kernel that names no cluster size has clusters
// of one block. A block that has ended keeps its shared memory until the last block of its cluster has ended.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/block.hpp>

#include <functional>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// A kernel and its grid, with type-erased parameters.
struct grid_of_blocks {
  const char* kernel;  // its name
  index3 blocks;
  int threads;                    // per block
  int shared_bytes;               // per block
  int cluster;                    // blocks per cluster, along x
  block::lane_function function;  // runs the kernel for one lane
  const void* params;             // of the kernel
  tensor_model tensors = {};      // arithmetic of the tensor cores
};

/// A function that makes the checks of a block (block_watch.hpp). Empty for an unchecked launch.
using watch_maker = std::function<std::unique_ptr<block_events>()>;

class cluster {
public:
  /// Allocates the blocks of one cluster. The object runs many clusters of the grid, one after another: begin() begins
  /// each of them.
  cluster(const grid_of_blocks& what, const watch_maker& new_watch) {
    for (int i = 0; i < what.cluster; ++i) {
      blocks_.push_back(
          std::make_unique<block>(what.threads, what.shared_bytes, new_watch ? new_watch() : nullptr, what.tensors));
      state_.blocks.push_back(blocks_.back().get());
    }
  }

  /// Makes all blocks ready to run. `first`: the position of the first block in the grid.
  void begin(index3 first, const grid_of_blocks& what) {
    state_.live = state_.arrived = 0;
    for (const auto& b : blocks_) {
      b->begin(first, what.blocks, what.function, what.params, state_);
      ++first.x;
    }
  }

  /// Runs the lanes until all have ended, none can continue, or one has failed. Returns true if a lane is still alive
  /// or has failed.
  bool resume(fiber& scheduler) {
    for (bool again = true; again;) {
      again = false;
      for (const auto& b : blocks_) {
        if (!b->has_ready_lane()) continue;
        b->resume(scheduler);
        if (b->failure()) return true;
        again = true;
      }
    }
    return state_.live > 0;
  }

  /// Makes every lane ready that waits in wait_until or polls (repeats an atomic until another lane changes the value),
  /// so that it looks at memory again.
  void look_again() {
    for (const auto& b : blocks_) b->wake(verb::wait_until), b->wake(verb::poll);
  }
  /// Ends the lanes that are still alive. The destructors of the objects on their stacks run.
  void cancel(fiber& scheduler) {
    for (const auto& b : blocks_) b->cancel(scheduler);
  }

  /// Returns the places where the live lanes wait, as text (block_lanes::where_lanes_wait).
  std::string where_lanes_wait() const {
    std::string text;
    for (const auto& b : blocks_) text += b->where_lanes_wait();
    return text;
  }
  /// The exception of a lane that has failed; null if no lane has.
  std::exception_ptr failure() const {
    for (const auto& b : blocks_)
      if (b->failure()) return b->failure();
    return {};
  }
  /// True if a lane waits in wait_until or polls: a lane of another cluster may write the value for which it waits.
  bool waits_for_memory() const { return lanes_in(verb::wait_until) + polling() > 0; }
  /// The number of lanes that poll.
  int polling() const { return lanes_in(verb::poll); }
  /// The sum of the progress counters of the blocks (block_lanes::progress). A resume() that leaves the sum unchanged
  /// is no progress, unless a lane has stopped polling or the cluster has ended.
  std::uint64_t progress() const {
    std::uint64_t sum = 0;
    for (const auto& b : blocks_) sum += b->progress();
    return sum;
  }

private:
  int lanes_in(verb what) const {
    int sum = 0;
    for (const auto& b : blocks_) sum += b->lanes_in(what);
    return sum;
  }

  std::vector<std::unique_ptr<block>> blocks_;
  cluster_state state_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
