// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The access history of a piece of memory. For each cell it stores two numbers: that of the cell's last write, and that
// of the set of readers since this write (see history.hpp). A cell is a byte of shared memory, an element of an
// operand, or half of an element of 8 bytes. Its history takes 8 bytes at most, and 0.75 bytes where neighbouring cells
// have the same history (see line_numbers.hpp). A lane "knows of" an access if it happens before what the lane does
// now.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/histories.hpp>

#include <algorithm>
#include <bit>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The lanes of one warp that read at the same time and site. They read many cells that have the same history, so the
/// last change that one of them made to a set of readers is kept here and is repeated for the next lane.
struct reading {
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  readers what;  // the readers to add, without their `members`
  std::uint32_t mine = none;
  std::uint32_t from = none, from_joined = 0, to = none;
};

class shadow {
  using writes = line_numbers<false>;
  using reads = line_numbers<true>;  // the second number: lanes that have joined the latest readers of the set

public:
  static constexpr std::size_t line = writes::line, word = writes::word;

  shadow(std::size_t cells, std::uint32_t first_write)
      : cells_(cells), first_write_(first_write), writes_(cells, first_write) {}
  /// Forgets all accesses.
  void forget() {
    writes_.fill(first_write_);
    if (!reads_.empty()) reads_.fill(0);
  }
  /// Forgets the accesses to `count` cells. All lanes that can reach these cells must have passed a common barrier.
  void forget(histories& all, std::size_t first, std::size_t count) {
    gather(all, first, count);
    writes_.set(first, count, first_write_);
    if (!reads_.empty()) reads_.set(first, count, 0);
  }
  std::size_t size() const { return cells_; }
  std::size_t bytes() const { return writes_.bytes() + reads_.bytes(); }

  /// Checks and records a read of `count` cells.
  ///
  /// The observer `by` answers questions about this access. `allows(other)`: true if it may follow the write or the
  /// readers `other`. `ordered(other)`: true if `other` happens before it. `now()`: its epoch. The observer also
  /// receives the faults: `never_written(first, n)` and `conflicts(other, first, n)`.
  template <class Observer>
  void read(histories& all, std::size_t first, std::size_t count, Observer& by) {
    remember_readers();
    gather(all, first, count);
    if (!by.asks_always() && settled(all, first, count) && one_set(all, first, count) &&
        !all.reads.any_wrote(reads_[first])) {
      add_reader(all, first, count, by);
      return;
    }
    for_runs(first, count, [&](std::size_t at, std::size_t n) {
      const std::uint32_t number = writes_[at];
      if (number == write_log::never)
        by.never_written(at, n);
      else if (must_ask(all, number, by) && !by.allows(all.writes[number]))
        by.conflicts(all.writes[number], at, n);
      if (all.reads.any_wrote(reads_[at]))
        all.reads.visit(reads_[at], [&](const readers& other) {
          if (other.wrote && !by.allows(other)) by.conflicts(other, at, n);
        });
      add_reader(all, at, n, by);
    });
  }

  /// The fast path of the most common read: a whole line, or a word of a line that is stored by words, and all lanes
  /// know of the writes there. The lane joins the readers in the same way as the previous lane of its warp did. Any
  /// other read returns false and changes nothing.
  template <std::size_t Count>
  bool read_again(const histories& all, std::size_t first, std::uint32_t lane, const reading& by) {
    const std::uint32_t head = writes_.head(first / line);
    bool known = all.writes.everybody_knows(head) || head & writes::settled;
    if (Count == word && !known)
      if (const std::uint32_t* at = writes_.together<word>(first))
        known = all.writes.everybody_knows(writes::number_of(*at));
    if (!known || reads_.empty()) return false;
    std::uint32_t* const at = reads_.together<Count>(first);
    return at && adds_again(all, at, lane, by);
  }
  /// Records a plain read that has no fault. Otherwise returns false, and the caller must call read(), which adds
  /// readers that were already added without effect. `ordered(epoch)`: true if that write happens before this read.
  /// `ordered(readers)`: true if those reads happen before what any lane of this warp does now.
  template <std::size_t Count, class Ordered>
  bool read_rightly(histories& all, std::size_t first, std::uint32_t lane, reading& by, const Ordered& ordered) {
    const auto may_follow = [&](std::uint32_t n) {
      return all.writes.everybody_knows(n) || (n > write_log::before && ordered(all.writes[n]));
    };
    const std::size_t at = first / line;
    if (!(writes_.head(at) & writes::settled) && !(Count == line && settled(all, first, Count)) &&
        !writes_.all(first, Count, may_follow))
      return false;
    remember_readers();
    if (Count >= word && reads_.unit(at) > 1) {
      if (Count == line && reads_.unit(at) == word && nobody_reads(all, first, Count)) reads_.set(first, Count, 0);
      if (Count < line && reads_.unit(at) == line) reads_.into_words(at);
      bool right = true;
      for (std::size_t i = first; i < first + Count; i += reads_.unit(at))
        right = right && adds(all, reads_.at(i), lane, by, ordered);
      return right;
    }
    const std::uint32_t from = known_as_none(all, reads_[first]);
    const auto same = [&](std::uint32_t n) { return known_as_none(all, n) == from; };
    if (reads_.unit(at) != 1 || all.reads.any_wrote(from) || !reads_.all(first, Count, same)) return false;
    const epoch self{by.what.who, by.what.time, by.what.site, static_cast<std::uint8_t>(std::countr_zero(lane))};
    reads_.set_within<Count>(first, all.reads.with(from, self, ordered));
    return true;
  }

  /// Checks and records a write; `number` is the number of its epoch. The readers are forgotten: an access that is
  /// ordered after this write is ordered after them, too.
  template <class Observer>
  void write(histories& all, std::size_t first, std::size_t count, std::uint32_t number, Observer& by) {
    gather(all, first, count);
    for_runs(first, count, [&](std::size_t at, std::size_t n) {
      const std::uint32_t last = writes_[at];
      if ((last != number || by.is_engine()) && must_ask(all, last, by) && !by.allows(all.writes[last]))
        by.conflicts(all.writes[last], at, n);
      if (reads_.empty() || all.reads.known_to_all(reads_[at])) return;
      all.reads.visit(reads_[at], [&](const readers& r) {
        if (!by.allows(r)) by.conflicts(r, at, n);
      });
      reads_.set(at, n, 0);
    });
    writes_.set(first, count, number);
  }
  /// Records a plain write that has no fault. Otherwise changes nothing and returns false.
  template <std::size_t Count, class Ordered>
  bool write_rightly(const histories& all, std::size_t first, std::uint32_t number, const Ordered& ordered) {
    const auto may_follow = [&](std::uint32_t n) {
      return n < all.writes.known() || n == number || ordered(all.writes[n]);
    };
    if (!(writes_.head(first / line) & writes::settled) && !writes_.all(first, Count, may_follow)) return false;
    if (!reads_.empty() && !nobody_reads(all, first, Count)) {
      const std::size_t n = reads_.unit(first / line);
      bool right = n <= Count;
      for (std::size_t i = first; i < first + Count && right; i += n)
        all.reads.visit(reads_[i], n > 1 ? reads_.at(i)[1] : 0, [&](const readers& r) { right = right && ordered(r); });
      if (!right) return false;
      reads_.set_within<Count>(first, 0);
    }
    writes_.set_within<Count>(first, number);
    return true;
  }

  /// Checks and records an atomic. It is recorded as a reader, even if it writes. As the last write it would hide
  /// earlier accesses, but an access ordered after this atomic need not be ordered after those.
  template <class Observer>
  void atomic(histories& all, std::size_t first, std::size_t count, Observer& by) {
    remember_readers();
    gather(all, first, count);
    for_runs(first, count, [&](std::size_t at, std::size_t n) {
      const std::uint32_t last = writes_[at];
      if (last == write_log::never) {
        if (by.overwrites()) {  // the first write: there are no earlier accesses that it could replace
          writes_.set(at, n, all.writes.add(by.now()));
          return;
        }
        by.never_written(at, n);
      }
      if (must_ask(all, last, by) && !by.allows(all.writes[last])) by.conflicts(all.writes[last], at, n);
      all.reads.visit(reads_[at], [&](const readers& other) {
        if ((other.wrote || by.now().atomic_write) && !by.allows(other)) by.conflicts(other, at, n);
      });
      add_reader(all, at, n, by);
    });
  }

  // For histories::collect(), which renumbers the entries.
  template <class Visit>
  void for_writes(const Visit& visit) {
    writes_.for_each(visit);
  }
  template <class Visit>
  void for_readers(const Visit& visit) {
    if (!reads_.empty()) reads_.for_each(visit);
  }

private:
  /// Creates the readers' numbers at the first read. Memory that is only written needs none.
  void remember_readers() {
    if (reads_.empty()) [[unlikely]]
      reads_ = reads(cells_, 0);
  }
  template <class Observer>
  static bool must_ask(const histories& all, std::uint32_t number, const Observer& by) {
    return number >= all.writes.known() || (by.asks_always() && all.writes.remembers(number));
  }

  // Readers -----------------------------------------------------------------------------------------------------------

  template <class Observer>
  std::uint32_t add_reader(histories& all, std::size_t first, std::size_t count, Observer& by) {
    const std::uint32_t now = all.reads.with(reads_[first], by.now(), [&](const readers& r) { return by.ordered(r); });
    reads_.set(first, count, now);
    return now;
  }
  /// Adds a lane to the readers at `at` by repeating the last change kept in `by`. `at` points to the number of a
  /// line's or word's set, and to the lanes that have joined it. Returns false if the change does not fit this set.
  [[gnu::always_inline]] bool adds_again(const histories& all, std::uint32_t* at, std::uint32_t lane,
                                         const reading& by) {
    const std::uint32_t number = reads::number_of(at[0]);
    if (number == by.mine) {
      at[1] |= lane;
      return true;
    }
    const std::uint32_t from = known_as_none(all, number);
    if (from != by.from || (from != 0 && at[1] != by.from_joined)) return false;
    at[0] += by.to - number, at[1] = lane;
    return true;
  }
  /// Adds a lane to the readers at `at`, and keeps the change in `by`. Returns false if atomics of the set have
  /// written.
  template <class Ordered>
  bool adds(histories& all, std::uint32_t* at, std::uint32_t lane, reading& by, const Ordered& ordered) {
    const std::uint32_t number = reads::number_of(at[0]), from = known_as_none(all, number);
    if (all.reads.holds(number, by.what)) by.mine = number;
    if (adds_again(all, at, lane, by)) return true;
    if (all.reads.any_wrote(from)) return false;
    by.from = from, by.from_joined = at[1];
    by.to = by.mine = all.reads.opened(all.reads.joined(from, at[1]), by.what, ordered);
    at[0] += by.to - number, at[1] = lane;
    joined_ = true;
    return true;
  }
  static std::uint32_t known_as_none(const histories& all, std::uint32_t number) {
    return all.reads.known_to_all(number) ? 0 : number;
  }
  bool nobody_reads(const histories& all, std::size_t first, std::size_t count) const {
    return reads_.all(first, count, [&](std::uint32_t n) { return all.reads.known_to_all(n); });
  }
  /// In the lines and words that are read or written next, replaces a set and the lanes that have joined it by the one
  /// set of all of them. Where the writes of a line are stored by cells, its readers are going to be, too, so the
  /// neighbouring words are included.
  void gather(histories& all, std::size_t first, std::size_t count) {
    if (!joined_) return;
    std::size_t last = first + count;
    if (first % line != 0 && writes_.unit(first / line) == 1) first -= first % line;
    if (last % line != 0 && writes_.unit(last / line) == 1) last += line - last % line;
    reads_.for_joined(first, last - first,
                      [&](std::uint32_t number, std::uint32_t members) { return all.reads.joined(number, members); });
  }
  /// True if the cells have one set of readers. Sets that all lanes know of count as empty.
  bool one_set(const histories& all, std::size_t first, std::size_t count) const {
    return reads_.run(first, first + count) == count || nobody_reads(all, first, count);
  }

  // Writers -----------------------------------------------------------------------------------------------------------

  /// True if each cell has been written and all lanes know of it. The answer is stored for whole lines
  /// (line_numbers::settled).
  bool settled(const histories& all, std::size_t first, std::size_t count) {
    for (std::size_t i = first, last = first + count; i < last;) {
      const std::size_t at = i / line, stop = std::min(last, (at + 1) * line);
      if (!(writes_.head(at) & writes::settled)) {
        if (!knows_all(all, i, stop - i)) return false;
        if (stop - i == line && writes_.head(at) & writes::split) writes_.settle(at);
      }
      i = stop;
    }
    return true;
  }
  bool knows_all(const histories& all, std::size_t first, std::size_t count) const {
    return writes_.all(first, count, [&](std::uint32_t number) { return all.writes.everybody_knows(number); });
  }

  /// Calls visit(first, n) for each run of n cells with the same history.
  template <class Visit>
  void for_runs(std::size_t first, std::size_t count, const Visit& visit) {
    for (std::size_t i = first, last = first + count; i < last;) {
      const std::size_t n = writes_.run(i, reads_.empty() ? last : i + reads_.run(i, last));
      visit(i, n);
      i += n;
    }
  }

  std::size_t cells_;
  std::uint32_t first_write_;
  writes writes_;
  reads reads_;
  bool joined_ = false;  // true once a lane has joined a set
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
