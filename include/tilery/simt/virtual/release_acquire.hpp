// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Release and acquire: the part of the happens-before order that a block's atomics and fences create, by their memory
// order and scope. A release publishes at its flag the accesses that its lane made or knows; an acquire at the same
// flag learns them.
#pragma once
#pragma GCC system_header

#include <tilery/simt/order.hpp>
#include <tilery/simt/virtual/block_order.hpp>
#include <tilery/simt/virtual/launch_watch.hpp>

#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class release_acquire {
public:
  /// `global`: the flags in global memory, which all blocks of the launch share.
  release_acquire(block_order& order, flag_table& global, int threads)
      : order_(order), global_flags_(global), lanes_(static_cast<std::size_t>(threads)) {}

  /// A block begins. Its shared memory held the flags of the block before.
  void begin() {
    shared_flags_.clear();
    for (lane_fences& l : lanes_) l = {};
  }

  /// An atomic on a flag: acquires and releases by its order and scope.
  void atomic(int lane, const void* address, bool in_shared, bool reads, bool writes, order o, scope s) {
    flag_table& flags = in_shared ? shared_flags_ : global_flags_;
    flag_state* flag = flags.find(address);
    lane_fences& l = fences(lane);
    if (reads && flag) {
      const bool of_this_block = flag->block == order_.block();
      const bool acquires = o == order::acquire || o == order::acquire_release;
      if (of_this_block) acquires ? order_.acquire(lane, flag->to_block) : l.seen_of_block.join(flag->to_block);
      if (acquires && s != scope::block)
        order_.acquire(lane, flag->to_all);
      else
        l.seen_of_all.join(flag->to_all);  // for a later acquire fence of sufficient scope
    }
    if (!writes) return;
    // a store ends the release sequence; a read-modify-write continues it
    if (!reads && flag) flags.forget(address), flag = nullptr;
    const bool releases = o == order::release || o == order::acquire_release;
    if (!releases && !l.has_fenced) return;
    flag_state& given = flags.of(address);
    if (given.block != order_.block()) given.to_block = given.to_all;  // a release of block scope ends with its block
    given.block = order_.block();
    if (releases) {
      const knowledge all = order_.release(lane);
      given.to_block.join(all);
      if (s != scope::block) given.to_all.join(all);
    }
    given.to_block.join(l.fenced_for_block);
    if (s != scope::block) given.to_all.join(l.fenced_for_all);
  }

  /// A fence: as an acquire fence it learns what the lane's earlier atomics have read, as a release fence it publishes
  /// through the lane's later atomics.
  void fence(int lane, order o, scope s) {
    lane_fences& l = fences(lane);
    if (o == order::acquire || o == order::acquire_release) {
      order_.acquire(lane, l.seen_of_block);
      l.seen_of_block = {};
      if (s != scope::block) order_.acquire(lane, l.seen_of_all), l.seen_of_all = {};
    }
    if (o == order::release || o == order::acquire_release) {
      l.fenced_for_block = order_.release(lane);
      if (s != scope::block) l.fenced_for_all = l.fenced_for_block;
      l.has_fenced = true;
    }
  }

private:
  struct lane_fences {
    knowledge fenced_for_block, fenced_for_all;  // of the last release fence, by scope
    knowledge seen_of_block, seen_of_all;        // read by atomics and not acquired yet, by scope
    bool has_fenced = false;
  };

  lane_fences& fences(int lane) { return lanes_[static_cast<std::size_t>(lane)]; }

  block_order& order_;
  flag_table& global_flags_;
  flag_table shared_flags_;
  std::vector<lane_fences> lanes_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
