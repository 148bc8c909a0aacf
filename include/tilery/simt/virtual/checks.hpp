// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the virtual GPU is asked to watch, and where its findings go.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/fault.hpp>
#include <tilery/simt/virtual/profile.hpp>

namespace tilery::inline TILERY_ABI {

/// What is watched during a launch.
enum class checks : unsigned {
  memory = 1,    ///< bounds, uninitialised shared memory, writes to what is only read, alignment
  races = 2,     ///< every pair of accesses that nothing orders, asynchronous copies, proxies
  meetings = 4,  ///< barriers and collectives that lanes call from different places, or after some have left
  profile = 8,   ///< what each line moves and costs; needs a report
  all = 15
};

constexpr checks operator|(checks a, checks b) {
  return static_cast<checks>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr checks operator&(checks a, checks b) {
  return static_cast<checks>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
constexpr bool any(checks c) { return c != checks{}; }

/// Collects instead of throwing: the faults of all launches that were given it, and a profile of each.
struct launch_report {
  std::vector<fault> faults;
  std::vector<launch_profile> profiles;
};

}  // namespace tilery::inline TILERY_ABI
