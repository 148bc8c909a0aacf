// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The history of a piece of memory: for each cell the number of its last write and the number of the set of lanes that
// have read it since. Eight bytes a cell. A cell is a byte of shared memory, or an element of an
// operand, or half of one of eight bytes.
#pragma once

#include <tilery/simt/virtual/history.hpp>

#include <algorithm>
#include <memory>
#include <unordered_set>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The numbers of epochs and sets that shadows of one launch (or one block) share.
struct histories {
  write_log writes;
  reader_sets reads;

  /// A meeting of all who can reach the memory.
  void everybody_knows() {
    writes.everybody_knows();
    reads.everybody_knows();
  }
  void clear() {
    writes.clear();
    reads.clear();
  }
  std::size_t size() const { return writes.size() + reads.size(); }

  /// Drops what no cell remembers. for_shadows(visit) visits every shadow that uses these tables.
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

class shadow {
public:
  shadow(std::size_t cells, std::uint32_t first_write)
      : cells_(cells), first_write_(first_write), writes_(new std::uint32_t[cells]) {
    forget();
  }
  /// As if nobody had touched it.
  void forget() {
    std::fill_n(writes_.get(), cells_, first_write_);
    if (reads_) std::fill_n(reads_.get(), cells_, 0);
  }
  std::size_t size() const { return cells_; }
  std::size_t bytes() const { return cells_ * sizeof(std::uint32_t) * (reads_ ? 2 : 1); }

  /// A read of `count` cells. Observer: allows(epoch or readers), whether this access may follow that one; ordered(),
  /// whether it comes behind it; now(), its own epoch; and what is told of: never_written(cells), conflicts(other,
  /// cells). `Count` is the number of cells where the compiler knows it.
  template <std::size_t Count = 0, class Observer>
  void read(histories& all, std::size_t first, std::size_t how_many, Observer& by) {
    const std::size_t count = Count ? Count : how_many;
    if (count == 0) return;
    remember_readers();
    const std::uint32_t *w = writes_.get() + first, *r = reads_.get() + first;
    std::uint32_t least = w[0], most = w[0], differ = 0;
    for (std::size_t i = 1; i < count; ++i) {
      least = std::min(least, w[i]), most = std::max(most, w[i]);
      differ |= r[i] ^ r[0];
    }
    if (least > write_log::never && most < all.writes.known() && differ == 0 && !all.reads.any_wrote(r[0]) &&
        !by.asks_always()) {
      add_reader(all, first, count, by);
      return;
    }
    for_runs(first, count, [&](std::size_t from, std::size_t n) {
      const std::uint32_t number = writes_[from];
      if (number == write_log::never)
        by.never_written(from, n);
      else if (must_ask(all, number, by) && !by.allows(all.writes[number]))
        by.conflicts(all.writes[number], from, n);
      if (all.reads.any_wrote(reads_[from]))
        all.reads.visit(reads_[from], [&](const readers& other) {
          if (other.wrote && !by.allows(other)) by.conflicts(other, from, n);
        });
      add_reader(all, from, n, by);
    });
  }

  /// The usual read: of cells with one history that everybody knows, by a lane that has just read others like them.
  /// False, and nothing done, where it is another one.
  template <std::size_t Count>
  bool read_again(const histories& all, std::size_t first, const reader_key& by) {
    if (!reads_) return false;
    const std::uint32_t* w = writes_.get() + first;
    std::uint32_t* r = reads_.get() + first;
    std::uint32_t least = w[0], most = w[0], differ = 0;
    for (std::size_t i = 1; i < Count; ++i) {
      least = std::min(least, w[i]), most = std::max(most, w[i]);
      differ |= r[i] ^ r[0];
    }
    if (least == write_log::never || most >= all.writes.known() || differ != 0 || all.reads.any_wrote(r[0]))
      return false;
    const std::uint32_t now = all.reads.with_again(r[0], by);
    if (now == 0) return false;
    if (now != r[0]) std::fill_n(r, Count, now);
    return true;
  }

  /// A write; `number` is that of its epoch. Readers are forgotten: whoever comes behind this write comes behind them.
  template <std::size_t Count = 0, class Observer>
  void write(histories& all, std::size_t first, std::size_t how_many, std::uint32_t number, Observer& by) {
    const std::size_t count = Count ? Count : how_many;
    for_runs(first, count, [&](std::size_t from, std::size_t n) {
      const std::uint32_t last = writes_[from];
      if ((last != number || by.is_engine()) && must_ask(all, last, by) && !by.allows(all.writes[last]))
        by.conflicts(all.writes[last], from, n);
      if (reads_ && reads_[from] != 0) {
        all.reads.visit(reads_[from], [&](const readers& r) {
          if (!by.allows(r)) by.conflicts(r, from, n);
        });
        std::fill_n(reads_.get() + from, n, 0);
      }
    });
    std::fill_n(writes_.get() + first, count, number);
  }

  /// An atomic: it stands among the readers, whether it writes or not, so that it hides nobody from who comes behind.
  template <class Observer>
  void atomic(histories& all, std::size_t first, std::size_t count, Observer& by) {
    remember_readers();
    for_runs(first, count, [&](std::size_t from, std::size_t n) {
      const std::uint32_t last = writes_[from];
      if (last == write_log::never) by.never_written(from, n);
      if (must_ask(all, last, by) && !by.allows(all.writes[last])) by.conflicts(all.writes[last], from, n);
      all.reads.visit(reads_[from], [&](const readers& other) {
        if ((other.wrote || by.now().atomic_write) && !by.allows(other)) by.conflicts(other, from, n);
      });
      add_reader(all, from, n, by);
    });
  }

  // For the logs' housekeeping.
  template <class Visit>
  void for_writes(const Visit& visit) {
    for (std::size_t i = 0; i < cells_; ++i) visit(writes_[i]);
  }
  template <class Visit>
  void for_readers(const Visit& visit) {
    if (reads_)
      for (std::size_t i = 0; i < cells_; ++i) visit(reads_[i]);
  }

private:
  /// Memory that is only written needs no second number.
  void remember_readers() {
    if (reads_) return;
    reads_.reset(new std::uint32_t[cells_]);
    std::fill_n(reads_.get(), cells_, 0);
  }
  template <class Observer>
  static bool must_ask(const histories& all, std::uint32_t number, const Observer& by) {
    return number >= all.writes.known() || (by.asks_always() && all.writes.remembers(number));
  }
  template <class Observer>
  void add_reader(histories& all, std::size_t first, std::size_t count, Observer& by) {
    const std::uint32_t before = reads_[first];
    const std::uint32_t now = all.reads.with(before, by.now(), [&](const readers& r) { return by.ordered(r); });
    if (now != before) std::fill_n(reads_.get() + first, count, now);
  }

  /// Calls visit(from, n) for each run of cells with one history.
  template <class Visit>
  void for_runs(std::size_t first, std::size_t count, const Visit& visit) {
    const std::uint32_t* w = writes_.get();
    const std::uint32_t* r = reads_.get();
    for (std::size_t i = first; i < first + count;) {
      std::size_t n = 1;
      while (i + n < first + count && w[i + n] == w[i] && (!r || r[i + n] == r[i])) ++n;
      visit(i, n);
      i += n;
    }
  }

  std::size_t cells_;
  std::uint32_t first_write_;
  std::unique_ptr<std::uint32_t[]> writes_, reads_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
