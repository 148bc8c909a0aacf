// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Who wrote and who read a cell of memory, in 32 bits each: the number of an epoch (one write), and the number of a set
// of readers. Many cells have the same history, so that numbers are few. After a meeting of the whole block everybody
// knows of everything before it: numbers below `known()` need no look, unless it is for a proxy, and are dropped later.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/vector_clock.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// What kind of access it was. `constant` is a read through the path for memory that nobody writes during the launch;
/// `async` a copy of an engine through the generic proxy, `async_proxy` one through the asynchronous proxy. Atomics of
/// one width and of a scope that reaches both do not race with each other; `atomic_mode` adds their width.
enum class access_mode : std::uint8_t { plain, constant, async, async_proxy, atomic_block = 8, atomic_device = 12 };

constexpr bool is_engine(access_mode m) { return m == access_mode::async || m == access_mode::async_proxy; }
constexpr bool is_atomic(access_mode m) { return m >= access_mode::atomic_block; }
/// An atomic of 1, 2, 4 or 8 bytes: the lowest two bits are the width's logarithm.
constexpr access_mode atomic_mode(bool of_device, int bytes) {
  const access_mode scope = of_device ? access_mode::atomic_device : access_mode::atomic_block;
  return static_cast<access_mode>(static_cast<int>(scope) | __builtin_ctz(static_cast<unsigned>(bytes)));
}
constexpr bool reaches_device(access_mode atomic) { return atomic >= access_mode::atomic_device; }
constexpr bool of_one_width(access_mode a, access_mode b) {
  return ((static_cast<int>(a) ^ static_cast<int>(b)) & 3) == 0;
}

/// One write: by whom, when, where.
struct epoch {
  group_id who;
  std::uint32_t time = 0;
  std::uint32_t site = 0;
  std::uint8_t member = 0;
  access_mode mode = access_mode::plain;
  bool atomic_write = false;  // atomics stand among the readers, whether they write or not
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
  /// Numbers from `before` up to this one are ordered before whatever anybody does now.
  std::uint32_t known() const { return known_; }
  bool everybody_knows(std::uint32_t number) const { return number - before < known_ - before; }
  /// Whether a number's epoch is still here; those that everybody knows are dropped some time.
  bool remembers(std::uint32_t number) const { return number >= first_; }
  std::size_t size() const { return lanes_.size() + engines_.size(); }
  /// All numbers of lanes are below this one.
  std::uint32_t end() const { return first_ + static_cast<std::uint32_t>(lanes_.size()); }

  void everybody_knows() {
    const std::uint32_t before_the_last_meeting = known_ - first_;
    known_ = first_ + static_cast<std::uint32_t>(lanes_.size());
    if (lanes_.size() < most_remembered) return;  // proxies still ask for them
    first_ += before_the_last_meeting;
    lanes_.erase(lanes_.begin(), lanes_.begin() + before_the_last_meeting);
  }
  void clear() {
    first_ = known_ = 2;
    lanes_.clear(), engines_.clear();
  }

  /// Drops the entries that no cell has; used(number) must have been told of each that one has. Returns the new number
  /// of an old one. Numbers are small again.
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

/// Lanes of one warp that have read at one time (or written, by atomics), and the readers before them.
struct readers {
  group_id who;
  std::uint32_t time = 0;
  std::uint32_t site = 0;
  std::uint32_t members = 0;
  access_mode mode = access_mode::plain;
  bool wrote = false;        // by atomics
  bool any_wrote = false;    // of these and the others
  std::uint32_t others = 0;  // the number of the set that these are added to
  bool operator==(const readers&) const = default;
};

/// A reader, packed to be compared quickly.
struct reader_key {
  std::uint64_t who = 0, when = ~std::uint64_t{0};
  std::uint32_t how = 0;

  reader_key() = default;
  reader_key(group_id group, std::uint32_t time, std::uint32_t site, std::uint32_t member, access_mode mode,
             bool writes = false)
      : who(std::uint64_t{group.block} << 32 | group.local),
        when(std::uint64_t{time} << 32 | site),
        how(member << 8 | static_cast<std::uint32_t>(writes) << 7 | static_cast<std::uint32_t>(mode)) {}
  explicit reader_key(const epoch& e) : reader_key(e.who, e.time, e.site, e.member, e.mode, e.atomic_write) {}
  bool operator==(const reader_key& o) const { return ((who ^ o.who) | (when ^ o.when) | (how ^ o.how)) == 0; }
};

/// Sets of readers since the last write, numbered: chains of `readers`. Equal chains have one number; 0 is the empty
/// set. Sets with an engine among them stay, whatever meets.
class reader_sets {
public:
  static constexpr std::uint32_t with_engine = 1u << 31;

  bool known_to_all(std::uint32_t number) const { return number < known_; }
  std::size_t size() const { return lanes_.size() + engines_.size(); }
  /// All numbers of sets without an engine are below this one.
  std::uint32_t end() const { return known_ + static_cast<std::uint32_t>(lanes_.size()); }

  /// Visits the readers of a set.
  template <class Visit>
  void visit(std::uint32_t number, const Visit& each) const {
    for (; !known_to_all(number); number = at(number).others) each(at(number));
  }
  /// The same of a set that others have joined.
  template <class Visit>
  void visit(std::uint32_t number, std::uint32_t joined, const Visit& each) const {
    if (known_to_all(number)) return;
    readers last = at(number);
    last.members |= joined;
    each(last);
    visit(last.others, each);
  }

  /// Whether atomics among them have written.
  bool any_wrote(std::uint32_t number) const { return !known_to_all(number) && at(number).any_wrote; }

  /// The set with one more reader. Readers that the new one knows are left out: whoever comes behind the new one comes
  /// behind them. That does not hold behind an atomic, which others may follow without coming behind it.
  /// `ordered(readers)` asks that.
  template <class Ordered>
  std::uint32_t with(std::uint32_t number, const epoch& reader, const Ordered& ordered) {
    const reader_key key(reader);
    if (const std::uint32_t again = with_again(number, key)) return again;
    if (known_to_all(number)) number = 0;
    const std::uint32_t result = extended(number,
                                          {reader.who, reader.time, reader.site, 1u << reader.member, reader.mode,
                                           reader.atomic_write, false, 0},
                                          ordered);
    place_of(number, key) = {key, number, result};
    return result;
  }
  /// The set with readers of whom all members are still to join it; ordered() is what each of them knows.
  template <class Ordered>
  std::uint32_t opened(std::uint32_t number, const readers& by, const Ordered& ordered) {
    return extended(known_to_all(number) ? 0 : number, by, ordered);
  }
  /// The set with more of the lanes that came to it last.
  std::uint32_t joined(std::uint32_t number, std::uint32_t members) {
    if (known_to_all(number)) return 0;
    readers r = at(number);
    if ((r.members | members) == r.members) return number;
    r.members |= members;
    return find(r);
  }
  /// Whether those who came last to a set are like these, so that these may join them, and none of all wrote.
  bool holds(std::uint32_t number, const readers& these) const {
    if (number < known_ || number - known_ >= lanes_.size()) return false;
    const readers& r = lanes_[number - known_];
    return r.who == these.who && r.time == these.time && r.site == these.site && r.mode == these.mode && !r.any_wrote;
  }
  /// The same where this was asked a moment ago, else 0.
  std::uint32_t with_again(std::uint32_t number, const reader_key& key) const {
    if (known_to_all(number)) number = 0;
    const step& s = recent_[slot_of(number, key)];
    return s.from == number && s.key == key ? s.result : 0;
  }

  /// Drops the sets that no cell has; `used` are those that one has. Returns the new number of an old one.
  template <class Numbers>
  auto drop_unused(const Numbers& used) {
    std::vector<std::uint32_t> lanes(lanes_.size()), engines(engines_.size());  // 1: used, then the new number
    for (std::uint32_t number : used)
      for (; !known_to_all(number); number = at(number).others) {
        std::uint32_t& mark = number & with_engine ? engines[number & ~with_engine] : lanes[number - known_];
        if (mark) break;
        mark = 1;
      }
    const std::uint32_t known = std::exchange(known_, 1);
    const auto compact = [](std::vector<readers>& all, std::vector<std::uint32_t>& now) {
      std::uint32_t next = 0;
      for (std::uint32_t i = 0; i < all.size(); ++i)
        if (now[i]) now[i] = next, all[next++] = all[i];
      all.resize(next);
    };
    compact(lanes_, lanes), compact(engines_, engines);
    const auto number_now = [known, lanes = std::move(lanes), engines = std::move(engines)](std::uint32_t old) {
      if (old & with_engine) return engines[old & ~with_engine] | with_engine;
      return old < known ? 0 : 1 + lanes[old - known];
    };
    for (std::vector<readers>* all : {&lanes_, &engines_})
      for (readers& r : *all) r.others = number_now(r.others);
    slots_.assign(1024, 0);
    while (size() * 2 >= slots_.size()) slots_.resize(slots_.size() * 2);
    fill_slots();
    std::fill(recent_.begin(), recent_.end(), step{});
    return number_now;
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
  [[gnu::noinline]] std::uint32_t extended(std::uint32_t number, readers by, const Ordered& ordered) {
    std::uint32_t kept[max_chain], depth = 0, changed = 0, i = number;  // kept[changed] and on: as they were
    for (; !known_to_all(i) && depth < max_chain; i = at(i).others) {
      const readers& r = at(i);
      if (r.who == by.who && r.time == by.time && r.site == by.site && r.mode == by.mode && r.wrote == by.wrote) {
        if (i == number && by.members && (r.members & by.members) == by.members) return number;
        by.members |= r.members, changed = depth;
      } else if (stands_for(by, r) && ordered(r)) {
        changed = depth;
      } else {
        kept[depth++] = i;
      }
    }
    std::uint32_t result = changed < depth ? kept[changed] : known_to_all(i) ? 0 : i;  // what is deeper stays as it is
    while (changed > 0) {
      readers r = at(kept[--changed]);
      r.others = result;
      result = find(r);
    }
    by.others = result;
    return find(by);
  }

  /// Whether who may follow the new reader may follow the old one, which it comes behind.
  static bool stands_for(const readers& now, const readers& before) {
    if (before.mode == access_mode::constant) return false;
    return !is_atomic(now.mode) || (before.mode == now.mode && (now.wrote || !before.wrote));
  }

  std::uint32_t find(readers wanted) {
    wanted.any_wrote = wanted.wrote || any_wrote(wanted.others);
    if (size() * 2 >= slots_.size()) grow();
    std::uint32_t& slot = slots_[free_slot(wanted)];
    if (slot == 0) {
      if (is_engine(wanted.mode) || wanted.others & with_engine) {
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
    fill_slots();
  }
  void fill_slots() {
    for (std::uint32_t i = 0; i < lanes_.size(); ++i) slots_[free_slot(lanes_[i])] = known_ + i;
    for (std::uint32_t i = 0; i < engines_.size(); ++i) slots_[free_slot(engines_[i])] = i | with_engine;
  }

  static constexpr std::uint32_t recent = 256;      // a lane meets few sets at a time
  static constexpr std::uint32_t max_chain = 1024;  // readers of one cell that are looked at

  std::uint32_t known_ = 1;
  std::vector<readers> lanes_, engines_;
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(1024);
  std::vector<step> recent_ = std::vector<step>(recent);
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
