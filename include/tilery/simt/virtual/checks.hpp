// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks that a launch on the virtual GPU can ask for, and the report that collects the faults and profiles of
// launches.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/fault.hpp>
#include <tilery/simt/virtual/profile.hpp>

namespace tilery::inline TILERY_ABI {

/// The checks of a launch on `virtual_gpu`: a set of flags. Some faults are reported with any flags: accesses that are
/// out of bounds, misaligned, or to the shared memory of a block that has ended; writes to operands that the launch
/// only reads; lanes of a warp that call different collectives; most misuses of barriers; deadlocks, the step limit and
/// stack overflows.
enum class checks : unsigned {
  memory = 1,    ///< reads of uninitialised memory; elements of outputs that were never written
  races = 2,     ///< all faults of missing order: races, missing waits and proxy fences, and blocks of a cluster that
                 ///< may end before, or begin after, an access by another block to their shared memory
  barriers = 4,  ///< barriers and collectives: a sync_block that lanes of a block call from different lines; a
                 ///< sync_cluster or named barrier that lanes of a warp call from different lines; barriers and
                 ///< collectives that some lanes do not reach because they have ended; bulk copies that bring more
                 ///< bytes than their mbarrier expects
  profile = 8,   ///< not a check: the work of each line (bytes, operations, barriers) and its cost; ignored if the
                 ///< launch has no report
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
/// with a report adds its faults to the report at its end, and does not throw them.
///
/// With virtual_gpu::options::stop_at_first, a launch throws its first fault, and adds nothing to the report. If it
/// throws none, its profile and its unwritten outputs, which are found after the last block, go to the report as usual.
struct launch_report {
  std::vector<fault> faults;
  std::vector<launch_profile> profiles;
};

}  // namespace tilery::inline TILERY_ABI
