// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks that a launch on the virtual GPU can ask for, and the report that collects the faults and profiles of
// launches.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/fault.hpp>
#include <tilery/simt/virtual/profile.hpp>

namespace tilery::inline TILERY_ABI {

/// The checks of a launch: a set of flags.
enum class checks : unsigned {
  memory = 1,    ///< bounds, alignment, reads of uninitialised memory, writes to operands that the launch only reads
  races = 2,     ///< unordered accesses, at least one of them a write; missing waits for copies; missing proxy fences
  meetings = 4,  ///< barriers and collectives that lanes call from different lines, or after some lanes have ended
  profile = 8,   ///< not a check: the bytes that each line moves, and their cost; needs a launch_report
  all = 15
};

constexpr checks operator|(checks a, checks b) {
  return static_cast<checks>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr checks operator&(checks a, checks b) {
  return static_cast<checks>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
/// True if at least one flag is set.
constexpr bool any(checks c) { return c != checks{}; }

/// Collects the faults and the profiles of all launches to which it is passed (virtual_gpu::options::report). A launch
/// with a report does not throw its faults, unless it stops at the first one.
struct launch_report {
  std::vector<fault> faults;
  std::vector<launch_profile> profiles;
};

}  // namespace tilery::inline TILERY_ABI
