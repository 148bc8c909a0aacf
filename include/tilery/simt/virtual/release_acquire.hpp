// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Release and acquire: the part of the happens-before order (block_order.hpp) that a block's atomics and fences create,
// by their memory order and scope. A flag is an address at which an atomic has released, by its own order or after
// a release fence. A release stores, at its flag, the accesses that happen before it: those that the releasing lane has
// made, and those that happen before its next access. When a lane acquires at this flag, the stored accesses happen
// before the next access of this lane. `knowledge` is such a set of accesses.
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
  /// `order`: the happens-before order of this block. `global`: the flags in global memory, which all blocks of the
  /// launch share. `threads`: the size of the block.
  release_acquire(block_order& order, flag_table& global, int threads)
      : order_(order), global_flags_(global), lanes_(static_cast<std::size_t>(threads)) {}

  /// To be called when a block begins: forgets the flags in shared memory and the fences of the previous block.
  void begin() {
    shared_flags_.clear();
    for (lane_fences& l : lanes_) l = {};
  }

  /// Records an atomic of a lane, which acquires and releases as its order `o` and scope `s` demand. `reads` and
  /// `writes`: both are true for a read-modify-write; a load only reads, a store only writes.
  ///
  /// A flag stores two sets of accesses (flag_state, launch_watch.hpp): `to_block` is for lanes of the block that
  /// released last, `to_all` is for all lanes. A release of block scope adds to `to_block` alone, a release of wider
  /// scope to both.
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
        l.seen_of_all.join(flag->to_all);  // a later acquire fence of wider scope than the block will acquire `to_all`
    }
    if (!writes) return;
    // a store replaces the accesses that earlier atomics have released at this flag; a read-modify-write adds to them
    // (C++ calls this the release sequence)
    if (!reads && flag) flags.forget(address), flag = nullptr;
    const bool releases = o == order::release || o == order::acquire_release;
    if (!releases && !l.has_fenced) return;
    flag_state& given = flags.of(address);
    // if another block released last: drops the accesses that this other block released in block scope
    if (given.block != order_.block()) given.to_block = given.to_all;
    given.block = order_.block();
    if (releases) {
      const knowledge all = order_.release(lane);
      given.to_block.join(all);
      if (s != scope::block) given.to_all.join(all);
    }
    // an atomic after a release fence releases the accesses before the fence, even if the atomic is relaxed
    given.to_block.join(l.fenced_for_block);
    if (s != scope::block) given.to_all.join(l.fenced_for_all);
  }

  /// Records a fence of a lane. An acquire fence acquires the accesses that were released at the flags that the lane's
  /// earlier atomics have read. After a release fence, each later atomic of the lane that writes also releases every
  /// access before the fence. A fence of block scope orders accesses for the lanes of this block only.
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
  /// The accesses before one lane's release fences, and the accesses that its next acquire fence acquires.
  struct lane_fences {
    // the accesses before the last release fence of any scope; before the last one of wider scope than the block
    knowledge fenced_for_block, fenced_for_all;
    // `to_block` and `to_all` of flags that the lane's atomics have read without acquiring them
    knowledge seen_of_block, seen_of_all;
    bool has_fenced = false;  // the lane has executed a release fence
  };

  lane_fences& fences(int lane) { return lanes_[static_cast<std::size_t>(lane)]; }

  block_order& order_;
  flag_table& global_flags_;
  flag_table shared_flags_;
  std::vector<lane_fences> lanes_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
