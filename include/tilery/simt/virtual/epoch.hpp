// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The record of an access in the history of memory: its actor, time, site and kind. An epoch is one access of one
// actor; `readers` are the accesses of a warp's lanes at one time and site.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/vector_clock.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The kind of an access. `constant`: a read through the path for memory that no lane writes during the launch.
/// `async`: a copy by an engine through the generic proxy. `async_proxy`: a copy through the asynchronous proxy.
/// Atomics do not race with each other if they have one width and a scope that includes both lanes; atomic_mode() adds
/// the width.
enum class access_mode : std::uint8_t { plain, constant, async, async_proxy, atomic_block = 8, atomic_device = 12 };

constexpr bool is_engine(access_mode m) { return m == access_mode::async || m == access_mode::async_proxy; }
constexpr bool is_atomic(access_mode m) { return m >= access_mode::atomic_block; }
/// The mode of an atomic of 1, 2, 4 or 8 bytes: the lowest two bits are log2(bytes).
constexpr access_mode atomic_mode(bool of_device, int bytes) {
  const access_mode scope = of_device ? access_mode::atomic_device : access_mode::atomic_block;
  return static_cast<access_mode>(static_cast<int>(scope) | __builtin_ctz(static_cast<unsigned>(bytes)));
}
constexpr bool reaches_device(access_mode atomic) { return atomic >= access_mode::atomic_device; }
constexpr bool of_one_width(access_mode a, access_mode b) {
  return ((static_cast<int>(a) ^ static_cast<int>(b)) & 3) == 0;
}

/// One access: its actor (a member of a group), time, site and kind. The write_log numbers the epochs of writes.
struct epoch {
  group_id who;
  std::uint32_t time = 0;
  std::uint32_t site = 0;
  std::uint8_t member = 0;
  access_mode mode = access_mode::plain;
  bool atomic_write = false;  // an atomic is kept among the readers, even if it writes
  bool operator==(const epoch&) const = default;
};

/// One link of a set of readers: the lanes of one warp that have read (or made atomics) at one time and site, and the
/// number of the rest of the set.
struct readers {
  group_id who;
  std::uint32_t time = 0;
  std::uint32_t site = 0;
  std::uint32_t members = 0;
  access_mode mode = access_mode::plain;
  bool wrote = false;        // they are atomics that wrote
  bool any_wrote = false;    // wrote, or any_wrote of `others`
  std::uint32_t others = 0;  // the number of the set to which this link is added
  bool operator==(const readers&) const = default;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
