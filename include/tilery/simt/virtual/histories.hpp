// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables to which the numbers in a shadow's cells refer, and the removal of entries that no cell refers to.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/line_numbers.hpp>
#include <tilery/simt/virtual/reader_sets.hpp>
#include <tilery/simt/virtual/write_log.hpp>

#include <unordered_set>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The numbered epochs of writes and sets of readers that all shadows of one launch, or of one block, share.
struct histories {
  write_log writes;
  reader_sets reads;

  /// A barrier of all lanes that can reach the memory.
  void order_all() {
    writes.order_all();
    reads.order_all();
  }
  void clear() {
    writes.clear();
    reads.clear();
  }
  /// True if it is time to collect(): the tables have at least `entries` entries, or half of the numbers are used up.
  bool fills(std::size_t entries) const {
    return writes.size() + reads.size() >= entries ||
           std::max(writes.end(), reads.end()) >= line_numbers<false>::end / 2;
  }
  std::size_t size() const { return writes.size() + reads.size(); }

  /// Drops the entries to which no cell refers. for_shadows(visit) calls visit(shadow) for every shadow that uses these
  /// tables.
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
