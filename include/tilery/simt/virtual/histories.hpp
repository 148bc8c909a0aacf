// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The two tables to which the access histories of memory (shadow.hpp) refer. A cell of a history, for example the one
// of a byte of shared memory, stores two numbers: of its last write in the write log (write_log.hpp), and of the set of
// its readers (reader_sets.hpp). This file combines the two tables, and removes the entries to which no cell refers. An
// epoch is one access: its actor, time, site and mode (epoch.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/line_numbers.hpp>
#include <tilery/simt/virtual/reader_sets.hpp>
#include <tilery/simt/virtual/write_log.hpp>

#include <unordered_set>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The numbered epochs of writes and sets of readers. All histories of a launch's global memory share one object, and
/// the history of each block's shared memory has its own.
struct histories {
  write_log writes;
  reader_sets reads;

  /// Records a barrier of all lanes that can access the memory: every access before it, except those by copy engines,
  /// happens before every access after it.
  void order_all() {
    writes.order_all();
    reads.order_all();
  }
  void clear() {
    writes.clear();
    reads.clear();
  }
  /// True if the caller should call collect(): the two tables together have at least `entries` entries, or one table
  /// has used up half of its 2^28 numbers.
  bool fills(std::size_t entries) const {
    return writes.size() + reads.size() >= entries ||
           std::max(writes.end(), reads.end()) >= line_numbers<false>::end / 2;
  }
  /// The number of entries of both tables.
  std::size_t size() const { return writes.size() + reads.size(); }

  /// Drops the entries to which no cell refers, renumbers the others, and changes the numbers in the cells accordingly.
  /// for_shadows(visit) must call visit(shadow) for every history that uses these tables. Numbers that are stored
  /// elsewhere become invalid.
  template <class ForShadows>
  void collect(const ForShadows& for_shadows) {
    std::unordered_set<std::uint32_t> writes_used, reads_used;
    for_shadows([&](auto& s) {
      s.for_writes([&](std::uint32_t number) { writes_used.insert(number); });
      s.for_readers([&](std::uint32_t number) { reads_used.insert(number); });
    });
    const auto write_now = writes.drop_unused([&](std::uint32_t number) { return writes_used.count(number) > 0; });
    const auto reads_now = reads.drop_unused(reads_used);
    for_shadows([&](auto& s) {
      s.for_writes([&](std::uint32_t& number) { number = write_now(number); });
      s.for_readers([&](std::uint32_t& number) { number = reads_now(number); });
    });
  }
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
