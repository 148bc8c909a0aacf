// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The writes in the history of memory, numbered: a cell stores the 32-bit number of its last write. Many cells have the
// same last write, so that few numbers are in use. A barrier of all lanes that reach the memory orders all accesses
// before it: the epochs below `known()` need no check after it, except for accesses through the asynchronous proxy. The
// log drops old epochs later.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/epoch.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The epochs of writes, numbered in the order in which they are added. Writes by engines have a number range of their
/// own: a barrier does not order them, only a wait does.
class write_log {
public:
  static constexpr std::uint32_t never = 0;   // the cell was never written
  static constexpr std::uint32_t before = 1;  // written before the launch, by the host
  static constexpr std::uint32_t of_engine = 1u << 31;

  std::uint32_t add(const epoch& e) {
    if (is_engine(e.mode)) {
      engines_.push_back(e);
      return static_cast<std::uint32_t>(engines_.size() - 1) | of_engine;
    }
    lanes_.push_back(e);
    return first_ + static_cast<std::uint32_t>(lanes_.size() - 1);
  }
  const epoch& operator[](std::uint32_t number) const {
    return number & of_engine ? engines_[number & ~of_engine] : lanes_[number - first_];
  }
  /// The epochs with numbers in [before, known()) are ordered before every access from now on.
  std::uint32_t known() const { return known_; }
  bool known_to_all(std::uint32_t number) const { return number - before < known_ - before; }
  /// True if the number's epoch is still stored. Epochs that all lanes know are dropped after a while.
  bool remembers(std::uint32_t number) const { return number >= first_; }
  std::size_t size() const { return lanes_.size() + engines_.size(); }
  /// One more than the largest number of a lane's write.
  std::uint32_t end() const { return first_ + static_cast<std::uint32_t>(lanes_.size()); }

  /// A barrier of all lanes that reach the memory: all lanes know the writes before it.
  void order_all() {
    const std::uint32_t before_the_last_meeting = known_ - first_;
    known_ = first_ + static_cast<std::uint32_t>(lanes_.size());
    if (lanes_.size() < most_remembered) return;  // accesses through the asynchronous proxy still look them up
    first_ += before_the_last_meeting;
    lanes_.erase(lanes_.begin(), lanes_.begin() + before_the_last_meeting);
  }
  void clear() {
    first_ = known_ = 2;
    lanes_.clear(), engines_.clear();
  }

  /// Drops the entries to which no cell refers: is_used(number) is true if a cell has the number. Renumbers the rest
  /// from the smallest number on. Returns a function from an old number to the new one.
  template <class IsUsed>
  auto drop_unused(const IsUsed& is_used) {
    std::vector<std::uint32_t> lanes(lanes_.size()), engines(engines_.size());
    std::uint32_t kept_known = 0;
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
  template <class Keep>
  static void drop(std::vector<epoch>& all, std::vector<std::uint32_t>& now, const Keep& keep) {
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < all.size(); ++i)
      if (keep(i)) now[i] = next, all[next++] = all[i];
    all.resize(next);
  }

  static constexpr std::size_t most_remembered = std::size_t{1} << 14;

  std::uint32_t first_ = 2, known_ = 2;
  std::vector<epoch> lanes_, engines_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
