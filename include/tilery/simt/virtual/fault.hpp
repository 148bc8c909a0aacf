// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A fault is an error that the virtual GPU has found in a kernel or a launch. This file has the fault as data and as
// text, and the exception that carries the faults of a launch. A site (site.hpp) is an operation of a lane with its
// source line.
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>
#include <tilery/simt/index.hpp>
#include <tilery/simt/virtual/site.hpp>

#include <algorithm>
#include <vector>

namespace tilery::inline TILERY_ABI {

enum class fault_kind : int {
  race,            ///< two unordered accesses, at least one of them a write
  missing_wait,    ///< an access to bytes of an asynchronous copy, or the end of the block, before a wait for the copy
  missing_fence,   ///< ordered accesses through two proxies without the proxy fence that makes the first one visible
  uninitialised,   ///< a read of bytes that were never written, or that were discarded (lane.discard)
  early_end,       ///< a block that may end before, or has ended before, another block of the cluster accesses its
                   ///< shared memory
  early_access,    ///< an access to another block's shared memory before it is certain that the other block has begun
  out_of_bounds,   ///< an access outside of shared memory, or of the elements of every operand; also a copy's size or a
                   ///< block's rank in the cluster that is out of range
  read_only,       ///< a write to an operand that the launch only reads
  misaligned,      ///< an address (or the size of a bulk copy) that is not a multiple of the required alignment
  collective,      ///< lanes that call different barriers or collectives where all must call one, or call one at
                   ///< different lines; fewer than 32 lanes at a warp instruction, such as an mma
  deadlock,        ///< no lane can continue, and some have not ended
  barrier_misuse,  ///< a barrier used against its rules, or reached by too few lanes
  step_limit,      ///< a block whose lanes called more operations than virtual_gpu::options::step_limit
  stack_overflow,  ///< a lane that needs more stack than it has
  unwritten,       ///< elements of an output that were never written
};

constexpr const char* name_of(fault_kind kind) {
  constexpr const char* names[] = {"race",       "missing wait",        "missing fence",   "uninitialised read",
                                   "early end",  "early access",        "out of bounds",   "read-only operand",
                                   "misaligned", "collective mismatch", "deadlock",        "barrier misuse",
                                   "step limit", "stack overflow",      "unwritten output"};
  return names[static_cast<int>(kind)];
}

/// One of the two accesses (or barriers) of a fault.
struct fault_access {
  tilery::site site;
  index3 block{0, 0, 0};  ///< the lane's block: its index in the grid
  int lane = -1;          ///< rank in its block; -1: the fault belongs to no single lane
  bool writes = false;
};

/// One error in a kernel.
struct fault {
  fault_kind kind = fault_kind::race;
  const char* kernel = "";
  fault_access now;         ///< the access at which the fault was found
  fault_access before;      ///< the earlier access of a pair; valid if has_before()
  std::string memory;       ///< name of the memory: "shared memory", an operand's name ...; may be empty
  std::int64_t offset = 0;  ///< of the access or of its first wrong byte, in bytes from the start of `memory`; for
                            ///< "global memory": the address, or 0 if every operand is empty
  std::string element;     ///< for example "row[255]", if the kernel names the members of its shared memory; else empty
  std::int64_t bytes = 0;  ///< size of the access or of its wrong part; not in the text if it is 0 or less
  std::string missing;     ///< the order or the operation that is missing, or another explanation
  std::int64_t count = 1;  ///< how often this fault was found at the sites of `now` and `before`
  int cause = 0;           ///< number of the missing barrier that explains this and other faults of the launch; 0: none

  bool has_before() const { return before.site.line.line > 0; }
  /// The fault as one paragraph of text.
  std::string text() const;
};

namespace virtual_machine {

inline std::string name_of_lane(const fault_access& a) {
  return "lane " + std::to_string(a.lane) + " of block (" + std::to_string(a.block.x) + ", " +
         std::to_string(a.block.y) + ", " + std::to_string(a.block.z) + ")";
}

}  // namespace virtual_machine

inline std::string fault::text() const {
  using virtual_machine::name_of_lane;
  std::string result = std::string(kernel) + ": " + name_of(kind);
  if (bytes > 0)
    result += " of " + std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes") + " at " +
              (element.empty() ? "" : element + ", ") + "byte " + std::to_string(offset) + " of " + memory;
  result += ". ";
  if (now.lane >= 0) result += name_of_lane(now) + ": " + now.site.text();
  if (has_before())
    result += std::string(now.lane >= 0 ? "; " : "") + "before it, " + name_of_lane(before) + ": " + before.site.text();
  if (!missing.empty()) result += (now.lane >= 0 ? ". " : "") + missing;
  if (result.back() != '.') result += '.';
  if (count > 1) result += " (" + std::to_string(count) + " times)";
  return result;
}

/// Thrown by a launch in which faults were found: at its end if it has no report, or at the first fault with
/// virtual_gpu::options::stop_at_first. what() has the text of the first 20 faults, faults() has all of them.
class fault_error : public error {
public:
  static constexpr std::size_t most_told = 20;

  fault_error(std::vector<fault> found, where at) : error(text_of(found), at), faults_(std::move(found)) {}
  const std::vector<fault>& faults() const { return faults_; }

private:
  static std::string text_of(const std::vector<fault>& all) {
    std::string result;
    for (std::size_t i = 0; i < std::min(all.size(), most_told); ++i) {
      const bool follows = i > 0 && all[i].cause != 0 && all[i].cause == all[i - 1].cause;
      result += (result.empty() ? "" : "\n") + std::string(follows ? "  of the same cause: " : "") + all[i].text();
    }
    if (all.size() > most_told)
      result += "\nThere are " + std::to_string(all.size() - most_told) +
                " more; faults() of this exception has them all, and so has a launch_report, which to_json can write.";
    return result;
  }
  std::vector<fault> faults_;
};

}  // namespace tilery::inline TILERY_ABI
