// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the virtual GPU has to report of a launch: faults, as data and as text.
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>
#include <tilery/simt/index.hpp>
#include <tilery/simt/virtual/site.hpp>

#include <algorithm>
#include <vector>

namespace tilery::inline TILERY_ABI {

enum class fault_kind : int {
  race,            ///< two accesses, one of them a write, with nothing that orders them
  missing_wait,    ///< bytes of an asynchronous copy that nobody has waited for
  missing_fence,   ///< ordered, but the other proxy cannot see it without a proxy fence
  uninitialised,   ///< a read of bytes that nobody wrote
  early_end,       ///< a block that ends while another one may still use its shared memory
  early_access,    ///< an access to the shared memory of a block of the cluster that may not have begun
  out_of_bounds,   ///< outside of shared memory, or of every operand of the launch
  read_only,       ///< a write to an operand that the launch only reads
  misaligned,      ///< an address that is no multiple of the access's size
  collective,      ///< lanes that meet in different collectives
  deadlock,        ///< no lane can go on
  barrier_misuse,  ///< a barrier's object used against its rules
  step_limit,      ///< a kernel that did not end
  stack_overflow,  ///< a lane that needs more stack than there is
  unwritten,       ///< elements of an output that nobody has written
};

constexpr const char* name_of(fault_kind kind) {
  constexpr const char* names[] = {"race",       "missing wait",        "missing fence",   "uninitialised read",
                                   "early end",  "early access",        "out of bounds",   "read-only operand",
                                   "misaligned", "collective mismatch", "deadlock",        "barrier misuse",
                                   "step limit", "stack overflow",      "unwritten output"};
  return names[static_cast<int>(kind)];
}

/// One side of a fault.
struct fault_access {
  tilery::site site;
  index3 block{0, 0, 0};
  int lane = -1;  ///< rank in its block; -1: no lane of the kernel
  bool writes = false;
};

/// One thing that is wrong with a kernel.
struct fault {
  fault_kind kind = fault_kind::race;
  const char* kernel = "";
  fault_access now;         ///< the access at which it was found
  fault_access before;      ///< the other side, where there is one (before.site.line.line > 0)
  std::string memory;       ///< "shared memory", or the operand's name
  std::int64_t offset = 0;  ///< bytes from the begin of that memory
  std::string element;      ///< of shared memory: "row[255]", where the kernel names its members; else empty
  std::int64_t bytes = 0;   ///< how many bytes are wrong in this access
  std::string missing;      ///< what would have made it right, or what else there is to say
  std::int64_t count = 1;   ///< how often it was found at these two places
  int cause = 0;            ///< faults of a launch with one number here come of one missing barrier; 0: by itself

  bool has_before() const { return before.site.line.line > 0; }
  /// One paragraph.
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

/// Thrown at the end of a launch in which faults were found. what() has the text of the first ones, faults() has all.
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
