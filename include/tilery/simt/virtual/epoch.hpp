// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The record of an access in the access history of memory (shadow.hpp): who made the access, at which time, at which
// site (an operation with its source line, site.hpp), and of which kind. An `epoch` is one access of one actor.
// `readers` are accesses of several members of one group at one time and site.
//
// An actor is a lane or a copy engine, which executes asynchronous copies. A lane's time increases at its releases and
// barriers; the time of an engine is the number of the copy's group or mbarrier phase (vector_clock.hpp). A group is a
// warp, whose members are its lanes, or an engine.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/vector_clock.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The kind of an access.
///
/// `plain`: a load or a store of a lane.
///
/// `constant`: a read of global memory through a pointer to const (ld.global.nc): no lane may write this memory during
/// the launch.
///
/// `async`: an access by a copy engine through the generic proxy (cp.async).
///
/// `async_proxy`: an access by a copy engine through the asynchronous proxy (cp.async.bulk).
///
/// `atomic_block`: an atomic of block scope. `atomic_device`: an atomic of a wider scope. atomic_mode() adds the width.
/// Two atomics do not race with each other if they have the same width and the scope of each includes both lanes.
enum class access_mode : std::uint8_t { plain, constant, async, async_proxy, atomic_block = 8, atomic_device = 12 };

constexpr bool is_engine(access_mode m) { return m == access_mode::async || m == access_mode::async_proxy; }
constexpr bool is_atomic(access_mode m) { return m >= access_mode::atomic_block; }
/// Returns the mode of an atomic of 1, 2, 4 or 8 bytes. `of_device`: true for a scope wider than the block. The lowest
/// two bits of the mode are log2(bytes).
constexpr access_mode atomic_mode(bool of_device, int bytes) {
  const access_mode scope = of_device ? access_mode::atomic_device : access_mode::atomic_block;
  return static_cast<access_mode>(static_cast<int>(scope) | __builtin_ctz(static_cast<unsigned>(bytes)));
}
/// True if the atomic has a scope wider than the block.
constexpr bool reaches_device(access_mode atomic) { return atomic >= access_mode::atomic_device; }
/// True if two atomics have the same width.
constexpr bool of_one_width(access_mode a, access_mode b) {
  return ((static_cast<int>(a) ^ static_cast<int>(b)) & 3) == 0;
}

/// One access: its actor (a member of a group), time, site and kind. The epochs of writes are numbered (write_log.hpp).
struct epoch {
  group_id who;             // a warp, or a copy engine
  std::uint32_t time = 0;   // the actor's time when it made the access
  std::uint32_t site = 0;   // number in the launch's site_table
  std::uint8_t member = 0;  // index in the group: the lane's index in its warp; 0 for the engine of an mbarrier
  access_mode mode = access_mode::plain;
  bool atomic_write = false;  // an atomic that writes (most of them are recorded as readers: shadow::atomic)
  bool operator==(const epoch&) const = default;
};

/// One link of a set of readers, which is a linked list (reader_sets.hpp). The link stores the members of one group
/// that have read (or made atomics) at one time and site, and the number of the set that consists of the older links.
struct readers {
  group_id who;
  std::uint32_t time = 0;
  std::uint32_t site = 0;
  std::uint32_t members = 0;  // mask of the members
  access_mode mode = access_mode::plain;
  bool wrote = false;        // these accesses are atomics that wrote
  bool any_wrote = false;    // true if `wrote` is true for this link or for a link of `others`
  std::uint32_t others = 0;  // number of the set of the older links; 0: there are none
  bool operator==(const readers&) const = default;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
