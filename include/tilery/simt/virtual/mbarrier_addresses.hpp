// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The addresses of a block's mbarriers in its shared memory. From its initialisation (mbarrier.init) to its
// invalidation (mbarrier.inval), the 8 bytes of an mbarrier belong to the hardware: only the instructions for
// mbarriers may access them. The virtual GPU looks up every access of another instruction to shared memory in this
// table, and reports the access if it touches an mbarrier (shared_memory_checks.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class mbarrier_addresses {
public:
  static constexpr std::int64_t bytes = 8;  // size and alignment of an mbarrier

  /// The initialisation of an mbarrier: the rank in the block of the lane that executed mbarrier.init, and the number
  /// of the site (site.hpp), that is, of the place in the kernel where it did so.
  struct origin {
    int lane;
    std::uint32_t site;
  };

  /// `shared_bytes`: the size of the block's shared memory.
  explicit mbarrier_addresses(std::size_t shared_bytes) : marks_(shared_bytes / (64 * bytes) + 1) {}

  /// Adds the mbarrier at `offset`: here and below, in bytes from the start of shared memory. `by`: its initialisation.
  void add(std::int64_t offset, const origin& by) {
    made_[offset] = by;
    mark(offset) |= bit(offset);
  }
  /// Removes the mbarrier at `offset`, if there is one.
  void remove(std::int64_t offset) {
    if (made_.erase(offset) > 0) mark(offset) &= ~bit(offset);
  }
  void clear() {
    if (made_.empty()) return;
    made_.clear();
    marks_.assign(marks_.size(), 0);
  }

  /// True if one of the bytes [offset, offset + count) belongs to an mbarrier. The bytes must be in shared memory.
  bool touched(std::int64_t offset, std::int64_t count) const { return !made_.empty() && first(offset, count) >= 0; }
  /// Returns the offset of the first mbarrier to which one of the bytes [offset, offset + count) belongs; -1 if there
  /// is none.
  std::int64_t first(std::int64_t offset, std::int64_t count) const {
    for (std::int64_t at = offset / bytes * bytes; at < offset + count; at += bytes)
      if (marks_[static_cast<std::size_t>(at / (64 * bytes))] & bit(at)) return at;
    return -1;
  }
  /// Returns the initialisation of the mbarrier at `offset`, which must exist.
  const origin& made(std::int64_t offset) const { return made_.at(offset); }

private:
  std::uint64_t& mark(std::int64_t offset) { return marks_[static_cast<std::size_t>(offset / (64 * bytes))]; }
  static std::uint64_t bit(std::int64_t offset) { return std::uint64_t{1} << (offset / bytes % 64); }

  std::unordered_map<std::int64_t, origin> made_;  // by offset
  std::vector<std::uint64_t> marks_;  // one bit for each aligned 8 bytes of shared memory: 1 if they are an mbarrier
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
