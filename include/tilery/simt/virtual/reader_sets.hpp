// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbered sets of readers. For each cell of memory (a byte or an element: shadow.hpp) the virtual GPU records the
// accesses that have read the cell since its last write: the cell stores the 32-bit number of the set of these readers.
// Atomics are recorded as readers, even those that write (shadow::atomic has the one exception). Many cells have equal
// sets, so there are few sets.
//
// Each reader is a lane or a copy engine, which makes asynchronous copies (epoch.hpp). A read has a time
// (vector_clock.hpp), a site (site.hpp: a place in the kernel, given by its number) and a mode (plain, atomic ...).
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/epoch.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The epoch of a reader (epoch.hpp: one access with its actor, time, site and kind), packed in three integers for a
/// fast comparison. A default-constructed key is equal to the key of no epoch.
struct reader_key {
  // who: block and group. when: time and site. how: member (bits 8 to 15), atomic_write (bit 7), mode (bits 0 to 6).
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

/// Numbered sets of readers. A set is a linked list. Each link (`readers`, epoch.hpp) holds the lanes of one warp (or
/// the members of one copy engine) that have read at one time and site in one mode, and in `others` the number of the
/// set that consists of the older links. The number of a set is that of its newest link; 0 is the empty set.
///
/// Equality. Two equal lists have one number. The same readers in another order are another list, with another number.
/// After order_all(), a list that contains a read by an engine may get a second number.
///
/// Barriers. A barrier of all lanes that can access the memory orders all reads by lanes before later accesses. The
/// sets that contain only such reads then count as empty: their numbers are below `known_`. Sets that contain a read by
/// an engine (an asynchronous copy) stay, because only a wait for the copy orders that read. Sets with and without an
/// engine's read have separate number ranges.
class reader_sets {
public:
  static constexpr std::uint32_t with_engine = 1u << 31;  // set in the number of a set that contains an engine's read

  /// True if the set counts as empty: it is empty, or a barrier has ordered all of its reads before every later access.
  bool known_to_all(std::uint32_t number) const { return number < known_; }
  /// Returns the number of links that are stored.
  std::size_t size() const { return lanes_.size() + engines_.size(); }
  /// Returns the largest number of a set without an engine's read, plus 1.
  std::uint32_t end() const { return known_ + static_cast<std::uint32_t>(lanes_.size()); }

  /// Calls each(readers) for the links of a set, the newest first, until the rest of the set counts as empty.
  template <class Visit>
  void visit(std::uint32_t number, const Visit& each) const {
    for (; !known_to_all(number); number = at(number).others) each(at(number));
  }
  /// Visits the set `number` as if its newest link also had the lanes in the mask `joined`. (cell_readers.hpp stores
  /// such masks next to the number of a set, instead of making a new set for each lane.)
  template <class Visit>
  void visit(std::uint32_t number, std::uint32_t joined, const Visit& each) const {
    if (known_to_all(number)) return;
    readers last = at(number);
    last.members |= joined;
    each(last);
    visit(last.others, each);
  }

  /// True if the set holds an atomic that wrote.
  bool any_wrote(std::uint32_t number) const { return !known_to_all(number) && at(number).any_wrote; }

  /// Returns the number of the set with one more reader. `ordered(readers)`: true if the reads in that link happen
  /// before the new read. The result leaves out such a link if the new reader can stand for it (see stands_for()): an
  /// access that is ordered after the new read is ordered after the reads in that link, too.
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
  /// Returns the number of the set with a new link `by` that has no members yet: the lanes of one warp join it later
  /// (see joined()). Leaves out links as with() does. `ordered(readers)`: true if the reads in that link happen before
  /// the next access of each lane of this warp.
  template <class Ordered>
  std::uint32_t opened(std::uint32_t number, const readers& by, const Ordered& ordered) {
    return extended(known_to_all(number) ? 0 : number, by, ordered);
  }
  /// Returns the number of the set whose newest link also has the lanes in the mask `members`; 0 if the set counts as
  /// empty.
  std::uint32_t joined(std::uint32_t number, std::uint32_t members) {
    if (known_to_all(number)) return 0;
    readers r = at(number);
    if ((r.members | members) == r.members) return number;
    r.members |= members;
    return find(r);
  }
  /// True if the lanes `these` can join the newest link of the set: the link has the warp, time, site and mode of
  /// `these`, and the set does not count as empty and contains neither an atomic that wrote nor an engine's read.
  bool holds(std::uint32_t number, const readers& these) const {
    if (number < known_ || number - known_ >= lanes_.size()) return false;
    const readers& r = lanes_[number - known_];
    return r.who == these.who && r.time == these.time && r.site == these.site && r.mode == these.mode && !r.any_wrote;
  }
  /// Returns the result of a recent call of with() for this set and this reader; 0 if the cache has none.
  std::uint32_t with_again(std::uint32_t number, const reader_key& key) const {
    if (known_to_all(number)) number = 0;
    const step& s = recent_[slot_of(number, key)];
    return s.from == number && s.key == key ? s.result : 0;
  }

  /// Drops the links that no cell needs, and renumbers the other sets. `used`: the numbers that cells store. Returns a
  /// function from the old number of a set in `used` to its new number; the new number is 0 if the set counts as empty.
  template <class Numbers>
  auto drop_unused(const Numbers& used) {
    // by index of the link: 1 if the link is used; later the new index of the link
    std::vector<std::uint32_t> lanes(lanes_.size()), engines(engines_.size());
    for (std::uint32_t number : used)
      for (; !known_to_all(number); number = at(number).others) {
        std::uint32_t& mark = number & with_engine ? engines[number & ~with_engine] : lanes[number - known_];
        if (mark) break;  // the rest of this set has been marked already
        mark = 1;
      }
    const std::uint32_t known = std::exchange(known_, 1);
    // removes the unused links, and replaces each mark 1 in `now` by the new index of the link
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

  /// Records a barrier of all lanes that can access the memory: every read by a lane so far happens before each access
  /// after the barrier.
  void order_all() {
    known_ += static_cast<std::uint32_t>(lanes_.size());
    if (!lanes_.empty()) std::fill(slots_.begin(), slots_.end(), 0);
    lanes_.clear();
  }
  /// Drops all sets.
  void clear() {
    if (known_ == 1 && size() == 0) return;
    known_ = 1;
    lanes_.clear(), engines_.clear();
    std::fill(slots_.begin(), slots_.end(), 0);
    std::fill(recent_.begin(), recent_.end(), step{});
  }

private:
  /// A cached call of with(): the reader, the number of the old set (`from`) and of the new set (`result`). The cache
  /// helps because a lane reads many cells that have equal sets.
  struct step {
    reader_key key;
    std::uint32_t from = 0, result = 0;
  };
  /// Returns the index in the cache for a call of with(): a hash of its arguments.
  static std::size_t slot_of(std::uint32_t from, const reader_key& key) {
    return (from * 37 + key.how * 5 + static_cast<std::uint32_t>(key.who) * 161 +
            static_cast<std::uint32_t>(key.when) * 57) %
           recent;
  }
  step& place_of(std::uint32_t from, const reader_key& key) { return recent_[slot_of(from, key)]; }

  const readers& at(std::uint32_t number) const {
    return number & with_engine ? engines_[number & ~with_engine] : lanes_[number - known_];
  }

  /// Returns the number of the set `number` with the link `by` added as the newest. A link of the same warp (or
  /// engine), time, site, mode and `wrote` is merged with `by`. A link that is ordered before `by`, and for which `by`
  /// can stand, is left out. Each link contains the number of the set of its older links: so all links that are newer
  /// than the oldest link merged or left out must be stored anew.
  template <class Ordered>
  [[gnu::noinline]] std::uint32_t extended(std::uint32_t number, readers by, const Ordered& ordered) {
    std::uint32_t kept[max_chain], depth = 0, changed = 0, i = number;  // kept[0 .. changed - 1] are stored anew
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
    std::uint32_t result = changed < depth ? kept[changed] : known_to_all(i) ? 0 : i;  // the older links stay
    while (changed > 0) {
      readers r = at(kept[--changed]);
      r.others = result;
      result = find(r);
    }
    by.others = result;
    return find(by);
  }

  /// True if the reader `now`, which is ordered after the reader `before`, can replace `before` in a set: each later
  /// access that may follow `now` may follow `before`, too. In three cases `now` cannot replace `before`:
  /// - `before` is a read of mode `constant`: no later write may follow it, not even an ordered one;
  /// - `before` is an atomic that wrote, and `now` did not write: a later read may follow `now` without order, but
  ///   `before` only with order;
  /// - `now` is an atomic, and `before` has another mode: a later atomic may follow `now` without order, but `before`
  ///   only with order.
  static bool stands_for(const readers& now, const readers& before) {
    if (before.mode == access_mode::constant || (before.wrote && !now.wrote)) return false;
    return !is_atomic(now.mode) || before.mode == now.mode;
  }

  /// Returns the number of the set whose newest link is `wanted`; adds the link if it is new.
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
  /// Returns the slot of this link in the hash table, or the free slot where it would be stored (linear probing).
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

  static constexpr std::uint32_t recent = 256;      // entries of the cache: the cells of a loop have few different sets
  static constexpr std::uint32_t max_chain = 1024;  // extended() examines links until it has kept this many

  std::uint32_t known_ = 1;               // the number of link lanes_[0]; sets with smaller numbers count as empty
  std::vector<readers> lanes_, engines_;  // links of sets without and with an engine's read
  // hash table of the links: each slot holds the number of a link, or 0 if it is free; the number of slots is a power
  // of two, at least twice the number of links
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(1024);
  std::vector<step> recent_ = std::vector<step>(recent);
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
