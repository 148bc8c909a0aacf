// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A numbered list of writes. For each cell of memory (a byte or an element: shadow.hpp) the virtual GPU stores the
// 32-bit number of its last write in this list. An entry is an epoch (epoch.hpp): one access with its lane or copy
// engine, time and site. Many cells have the same last write, so there are few entries.
//
// After a barrier of all lanes that can access the memory, most accesses need not be compared with the writes by lanes
// before the barrier: the numbers of these writes are below known(). Two kinds of accesses are compared even with these
// writes: accesses through the asynchronous proxy, which need a proxy fence, too, and constant reads (ld.global.nc),
// which must follow no write of the launch. The log therefore keeps old entries for a while, and drops them when it has
// grown.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/epoch.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The epochs of writes, numbered in the order in which they are added. Writes by copy engines (asynchronous copies)
/// have numbers of their own, with bit 31 set: a barrier does not order these writes, only a wait for the copy does.
class write_log {
public:
  static constexpr std::uint32_t never = 0;  // the cell was never written
  // before: the host wrote the cell before the launch, or the entry of the last write was dropped from the log
  static constexpr std::uint32_t before = 1;
  static constexpr std::uint32_t of_engine = 1u << 31;  // set in the number of a write by an engine

  /// Adds a write, and returns its number.
  std::uint32_t add(const epoch& e) {
    if (is_engine(e.mode)) {
      engines_.push_back(e);
      return static_cast<std::uint32_t>(engines_.size() - 1) | of_engine;
    }
    lanes_.push_back(e);
    return first_ + static_cast<std::uint32_t>(lanes_.size() - 1);
  }
  /// Returns the write of this number, which must be stored (see remembers()).
  const epoch& operator[](std::uint32_t number) const {
    return number & of_engine ? engines_[number & ~of_engine] : lanes_[number - first_];
  }
  /// The writes with numbers in [before, known()) happen before every later access: a barrier has ordered them.
  std::uint32_t known() const { return known_; }
  /// True if the number is in [before, known()). The unsigned subtraction also excludes `never` and the numbers of
  /// engines, which become larger than any known().
  bool known_to_all(std::uint32_t number) const { return number - before < known_ - before; }
  /// True if the write of this number is still stored. Writes that happen before every later access are dropped after a
  /// while.
  bool remembers(std::uint32_t number) const { return number >= first_; }
  /// Returns the number of writes that are stored.
  std::size_t size() const { return lanes_.size() + engines_.size(); }
  /// Returns the largest number of a lane's write, plus 1.
  std::uint32_t end() const { return first_ + static_cast<std::uint32_t>(lanes_.size()); }

  /// Records a barrier of all lanes that can access the memory: every write by a lane so far happens before each access
  /// after the barrier. If the log has at least `most_remembered` writes by lanes, drops those that an earlier barrier
  /// had ordered already.
  void order_all() {
    const std::uint32_t ordered_before = known_ - first_;
    known_ = first_ + static_cast<std::uint32_t>(lanes_.size());
    // the other ordered writes are kept: some accesses are still compared with them (see the beginning of this file)
    if (lanes_.size() < most_remembered) return;
    first_ += ordered_before;
    lanes_.erase(lanes_.begin(), lanes_.begin() + ordered_before);
  }
  /// Drops all writes.
  void clear() {
    first_ = known_ = 2;
    lanes_.clear(), engines_.clear();
  }

  /// Drops the writes to which no cell refers, and renumbers the others from `before` + 1 on. is_used(number) is true
  /// if a cell stores the number. Returns a function from the old number that a cell stores to the new one. Numbers of
  /// writes that order_all() has dropped become `before`. For a number that no cell stores, the result is not valid.
  template <class IsUsed>
  auto drop_unused(const IsUsed& is_used) {
    std::vector<std::uint32_t> lanes(lanes_.size()), engines(engines_.size());  // by old index: the new index
    std::uint32_t kept_known = 0;  // number of kept writes whose numbers are below known_
    drop(lanes_, lanes, [&](std::uint32_t i) {
      const bool keep = is_used(first_ + i);
      kept_known += keep && first_ + i < known_;
      return keep;
    });
    drop(engines_, engines, [&](std::uint32_t i) { return is_used(i | of_engine); });
    const std::uint32_t first_before = std::exchange(first_, before + 1);
    known_ = first_ + kept_known;
    return [first_before, lanes = std::move(lanes), engines = std::move(engines)](std::uint32_t old) {
      if (old & of_engine) return engines[old & ~of_engine] | of_engine;
      return old < first_before ? std::min(old, before) : before + 1 + lanes[old - first_before];
    };
  }

private:
  /// Removes the entries of `all` for which keep(index) is false, and stores the new index of each other entry in
  /// `now`.
  template <class Keep>
  static void drop(std::vector<epoch>& all, std::vector<std::uint32_t>& now, const Keep& keep) {
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < all.size(); ++i)
      if (keep(i)) now[i] = next, all[next++] = all[i];
    all.resize(next);
  }

  static constexpr std::size_t most_remembered = std::size_t{1} << 14;  // writes by lanes; see order_all()

  std::uint32_t first_ = 2, known_ = 2;  // first_: the number of the write lanes_[0]. known_: see known()
  std::vector<epoch> lanes_, engines_;   // the writes by lanes, and by copy engines
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
