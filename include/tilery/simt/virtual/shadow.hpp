// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The history of a piece of memory: for each cell the number of its last write and the number of the set of lanes that
// have read it since. Eight bytes a cell at most, 0.75 where neighbours agree. A cell is a byte of shared
// memory, or an element of an operand, or half of one of eight bytes.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/histories.hpp>

#include <algorithm>
#include <bit>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// Lanes of a warp that read at one time and place, and what they have found there: the set of readers that they may
/// join; and from which set to which one they came last, for they read much that has one history.
struct reading {
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  readers what;  // without its members
  std::uint32_t mine = none;
  std::uint32_t from = none, from_joined = 0, to = none;
};

class shadow {
  using writes = line_numbers<false>;
  using reads = line_numbers<true>;  // the second number: lanes that have joined those who came last to the set

public:
  static constexpr std::size_t line = writes::line, word = writes::word;

  shadow(std::size_t cells, std::uint32_t first_write)
      : cells_(cells), first_write_(first_write), writes_(cells, first_write) {}
  /// As if nobody had touched it.
  void forget() {
    writes_.fill(first_write_);
    if (!reads_.empty()) reads_.fill(0);
  }
  /// The same of some cells; all who may touch them have met.
  void forget(histories& all, std::size_t first, std::size_t count) {
    gather(all, first, count);
    writes_.set(first, count, first_write_);
    if (!reads_.empty()) reads_.set(first, count, 0);
  }
  std::size_t size() const { return cells_; }
  std::size_t bytes() const { return writes_.bytes() + reads_.bytes(); }

  /// A read of `count` cells. Observer: allows(epoch or readers), whether this access may follow that one; ordered(),
  /// whether it comes behind it; now(), its own epoch; and what is told of: never_written(cells), conflicts(other,
  /// cells).
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

  /// The most usual read: of a line, or a word of one that is in words, whose writes everybody knows. The lane joins
  /// those like it, or goes from set to set as they did. False, and nothing done, where it is another read.
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
  /// Any plain read in which nothing is wrong; ordered(epoch) tells whether it comes behind that, ordered(readers)
  /// whether all lanes of its warp do.
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

  /// A write; `number` is that of its epoch. Readers are forgotten: whoever comes behind this write comes behind them.
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
  /// Any plain write in which nothing is wrong, else false, and nothing done.
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

  /// An atomic: it stands among the readers, whether it writes or not, so that it hides nobody from who comes behind.
  template <class Observer>
  void atomic(histories& all, std::size_t first, std::size_t count, Observer& by) {
    remember_readers();
    gather(all, first, count);
    for_runs(first, count, [&](std::size_t at, std::size_t n) {
      const std::uint32_t last = writes_[at];
      if (last == write_log::never) {
        if (by.overwrites()) {  // the first write of all: there is nobody whom it could hide
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

  // For the logs' housekeeping.
  template <class Visit>
  void for_writes(const Visit& visit) {
    writes_.for_each(visit);
  }
  template <class Visit>
  void for_readers(const Visit& visit) {
    if (!reads_.empty()) reads_.for_each(visit);
  }

private:
  /// Memory that is only written needs no second number.
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
  /// The same for a line or a word, as it was done before: `at` is the number of its set, and behind it who has joined.
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
  /// The same for the first time. False where some have written, by atomics.
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
  /// Makes sets with a number of those to which lanes have joined, where cells are read or written. Where the writes of
  /// a line are told apart by cells, its reads are going to be: the words beside these are gathered, too.
  void gather(histories& all, std::size_t first, std::size_t count) {
    if (!joined_) return;
    std::size_t last = first + count;
    if (writes_.unit(first / line) == 1) first -= first % line;
    if (writes_.unit((last - 1) / line) == 1) last += (line - last % line) % line;
    reads_.for_joined(first, last - first,
                      [&](std::uint32_t number, std::uint32_t members) { return all.reads.joined(number, members); });
  }
  /// Whether the cells have one set of readers; sets that everybody knows are empty ones.
  bool one_set(const histories& all, std::size_t first, std::size_t count) const {
    return reads_.run(first, first + count) == count || nobody_reads(all, first, count);
  }

  // Writers -----------------------------------------------------------------------------------------------------------

  /// Whether somebody has written each cell, and everybody knows. Remembered of whole lines.
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

  /// Calls visit(from, n) for each run of cells with one history.
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
  bool joined_ = false;  // lanes have joined sets, at some time
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
