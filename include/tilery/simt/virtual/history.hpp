// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Who wrote and who read a cell of memory, in 32 bits each: the number of an epoch (one write), and the number of a set
// of readers. Many cells have the same history, so that numbers are few. After a meeting of the whole block everybody
// knows of everything before it: numbers below `known()` need no look at all, and their entries are dropped.
#pragma once

#include <tilery/simt/virtual/vector_clock.hpp>

#include <cstdint>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// What kind of access it was. Atomics of a scope that reaches both do not race with each other.
enum class access_mode : std::uint8_t { plain, atomic_block, atomic_device, async };

constexpr bool is_atomic(access_mode m) { return m == access_mode::atomic_block || m == access_mode::atomic_device; }

/// One write: by whom, when, where.
struct epoch {
  group_id who;
  std::uint32_t time = 0;
  std::uint32_t site = 0;
  std::uint8_t member = 0;
  access_mode mode = access_mode::plain;
  bool operator==(const epoch&) const = default;
};

/// Writes, numbered in the order of their time. Those of engines stay until somebody has waited, whatever meets, and
/// have numbers of their own.
class write_log {
public:
  static constexpr std::uint32_t never = 0;   // nobody has written
  static constexpr std::uint32_t before = 1;  // the host has, before the launch
  static constexpr std::uint32_t of_engine = 1u << 31;

  std::uint32_t add(const epoch& e) {
    if (e.mode == access_mode::async) {
      engines_.push_back(e);
      return static_cast<std::uint32_t>(engines_.size() - 1) | of_engine;
    }
    lanes_.push_back(e);
    return first_ + static_cast<std::uint32_t>(lanes_.size() - 1);
  }
  const epoch& operator[](std::uint32_t number) const {
    return number & of_engine ? engines_[number & ~of_engine] : lanes_[number - first_];
  }
  /// Numbers from `before` up to this one are ordered before whatever anybody does now.
  std::uint32_t known() const { return known_; }
  /// Whether a number's epoch is still here; those that everybody knows are dropped some time.
  bool remembers(std::uint32_t number) const { return number >= first_; }
  std::size_t size() const { return lanes_.size() + engines_.size(); }

  void everybody_knows() {
    known_ = first_ + static_cast<std::uint32_t>(lanes_.size());
    if (lanes_.size() < most_remembered) return;  // proxies still ask for them
    first_ = known_;
    lanes_.clear();
  }
  void clear() {
    first_ = known_ = 2;
    lanes_.clear(), engines_.clear();
  }

  /// Drops the entries that no cell has; used(number) must have been told of each that one has. Returns the new number
  /// of an old one.
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
    known_ = first_ + kept_known;
    return [first = first_, lanes = std::move(lanes), engines = std::move(engines)](std::uint32_t old) {
      if (old & of_engine) return engines[old & ~of_engine] | of_engine;
      return old < first ? old : first + lanes[old - first];
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

/// Lanes of one warp that have read at one time, and the readers before them.
struct readers {
  group_id who;
  std::uint32_t time = 0;
  std::uint32_t site = 0;
  std::uint32_t members = 0;
  access_mode mode = access_mode::plain;
  std::uint32_t others = 0;  // the number of the set that these are added to
  bool operator==(const readers&) const = default;
};

/// A reader, packed to be compared quickly.
struct reader_key {
  std::uint64_t who = 0, when = ~std::uint64_t{0};
  std::uint32_t how = 0;

  reader_key() = default;
  reader_key(group_id group, std::uint32_t time, std::uint32_t site, std::uint32_t member, access_mode mode)
      : who(std::uint64_t{group.block} << 32 | group.local),
        when(std::uint64_t{time} << 32 | site),
        how(member << 8 | static_cast<std::uint32_t>(mode)) {}
  explicit reader_key(const epoch& e) : reader_key(e.who, e.time, e.site, e.member, e.mode) {}
  bool operator==(const reader_key& o) const { return ((who ^ o.who) | (when ^ o.when) | (how ^ o.how)) == 0; }
};

/// Sets of readers since the last write, numbered: chains of `readers`. Equal chains have one number; 0 is the empty
/// set. Sets with an engine among them stay, whatever meets.
class reader_sets {
public:
  static constexpr std::uint32_t with_engine = 1u << 31;

  std::uint32_t known() const { return known_; }
  bool known_to_all(std::uint32_t number) const { return number < known_; }
  std::size_t size() const { return lanes_.size() + engines_.size(); }

  /// Visits the readers of a set.
  template <class Visit>
  void visit(std::uint32_t number, const Visit& each) const {
    for (; !known_to_all(number); number = at(number).others) each(at(number));
  }

  /// The set with one more reader. Readers that the new one knows are left out: whoever comes behind the new one comes
  /// behind them. `ordered(readers)` asks that.
  template <class Ordered>
  std::uint32_t with(std::uint32_t number, const epoch& reader, const Ordered& ordered) {
    const reader_key key(reader);
    if (const std::uint32_t again = with_again(number, key)) return again;
    if (known_to_all(number)) number = 0;
    const std::uint32_t result = extended(number, reader, ordered);
    place_of(number, key) = {key, number, result};
    return result;
  }
  /// The same where this was asked a moment ago, else 0.
  std::uint32_t with_again(std::uint32_t number, const reader_key& key) const {
    if (known_to_all(number)) number = 0;
    const step& s = recent_[slot_of(number, key)];
    return s.from == number && s.key == key ? s.result : 0;
  }

  void everybody_knows() {
    known_ += static_cast<std::uint32_t>(lanes_.size());
    if (!lanes_.empty()) std::fill(slots_.begin(), slots_.end(), 0);
    lanes_.clear();
  }
  void clear() {
    if (known_ == 1 && size() == 0) return;
    known_ = 1;
    lanes_.clear(), engines_.clear();
    std::fill(slots_.begin(), slots_.end(), 0);
    std::fill(recent_.begin(), recent_.end(), step{});
  }

private:
  /// A reader that was added to a set, and what became of it: lanes read many cells of one history.
  struct step {
    reader_key key;
    std::uint32_t from = 0, result = 0;
  };
  static std::size_t slot_of(std::uint32_t from, const reader_key& key) {
    return (from * 37 + key.how * 5 + static_cast<std::uint32_t>(key.who) * 161 +
            static_cast<std::uint32_t>(key.when) * 57) %
           recent;
  }
  step& place_of(std::uint32_t from, const reader_key& key) { return recent_[slot_of(from, key)]; }

  const readers& at(std::uint32_t number) const {
    return number & with_engine ? engines_[number & ~with_engine] : lanes_[number - known_];
  }

  template <class Ordered>
  [[gnu::noinline]] std::uint32_t extended(std::uint32_t number, const epoch& reader, const Ordered& ordered) {
    const std::uint32_t bit = 1u << reader.member;
    std::uint32_t kept[max_chain], depth = 0, mine = bit;
    for (std::uint32_t i = number; !known_to_all(i) && depth < max_chain; i = at(i).others) {
      const readers& r = at(i);
      if (r.who == reader.who && r.time == reader.time && r.mode == reader.mode) {
        if (i == number && r.members & bit) return number;
        mine |= r.members;
      } else if (!ordered(r)) {
        kept[depth++] = i;
      }
    }
    std::uint32_t result = 0;
    while (depth > 0) {
      readers r = at(kept[--depth]);
      r.others = result;
      result = find(r);
    }
    return find({reader.who, reader.time, reader.site, mine, reader.mode, result});
  }

  std::uint32_t find(const readers& wanted) {
    if (size() * 2 >= slots_.size()) grow();
    std::uint32_t& slot = slots_[free_slot(wanted)];
    if (slot == 0) {
      if (wanted.mode == access_mode::async || wanted.others & with_engine) {
        engines_.push_back(wanted);
        slot = static_cast<std::uint32_t>(engines_.size() - 1) | with_engine;
      } else {
        lanes_.push_back(wanted);
        slot = known_ + static_cast<std::uint32_t>(lanes_.size() - 1);
      }
    }
    return slot;
  }
  std::size_t free_slot(const readers& wanted) const {
    std::size_t h = wanted.others;
    for (const std::uint32_t part : {wanted.who.local, wanted.time, wanted.site, wanted.members, wanted.who.block})
      h = (h ^ part) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
    for (h &= slots_.size() - 1; slots_[h] != 0 && !(at(slots_[h]) == wanted); h = (h + 1) & (slots_.size() - 1)) {
    }
    return h;
  }
  void grow() {
    slots_.assign(slots_.size() * 2, 0);
    for (std::uint32_t i = 0; i < lanes_.size(); ++i) slots_[free_slot(lanes_[i])] = known_ + i;
    for (std::uint32_t i = 0; i < engines_.size(); ++i) slots_[free_slot(engines_[i])] = i | with_engine;
  }

  static constexpr std::uint32_t recent = 256;      // a lane meets few sets at a time
  static constexpr std::uint32_t max_chain = 4096;  // warps that read one cell at a time

  std::uint32_t known_ = 1;
  std::vector<readers> lanes_, engines_;
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(1024);
  std::vector<step> recent_ = std::vector<step>(recent);
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
