// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The access history of a piece of memory: the last write of each cell (cell_writes.hpp) and its readers since then
// (cell_readers.hpp). Each access is compared with it and recorded in it. A cell is a byte of shared memory, an element
// of an operand, or half of an element of 8 bytes. Its history takes 8 bytes at most, and 0.75 bytes where neighbouring
// cells have the same one. A lane "knows of" an access if it happens before what the lane does now.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/cell_readers.hpp>
#include <tilery/simt/virtual/cell_writes.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class shadow {
public:
  static constexpr std::size_t line = cell_writes::line, word = cell_writes::word;

  shadow(std::size_t cells, std::uint32_t first_write) : cells_(cells), writes_(cells, first_write), readers_(cells) {}
  /// Forgets all accesses.
  void forget() { writes_.forget(), readers_.forget(); }
  /// Forgets the accesses to `count` cells. All lanes that can reach these cells must have passed a common barrier.
  void forget(histories& all, std::size_t first, std::size_t count) {
    gather(all, first, count);
    writes_.forget(first, count), readers_.forget(first, count);
  }
  std::size_t size() const { return cells_; }
  std::size_t bytes() const { return writes_.bytes() + readers_.bytes(); }

  // Any access: finds its faults --------------------------------------------------------------------------------------

  /// Checks and records a read of `count` cells.
  ///
  /// The observer `by` answers questions about this access. `allows(other)`: true if it may follow the write or the
  /// readers `other`. `ordered(other)`: true if `other` happens before it. `now()`: its epoch. The observer also
  /// receives the faults: `never_written(first, n)` and `conflicts(other, first, n)`.
  template <class Observer>
  void read(histories& all, std::size_t first, std::size_t count, Observer& by) {
    readers_.create();
    gather(all, first, count);
    if (!by.asks_always() && writes_.known_to_all(all, first, count) && readers_.are_one_set(all, first, count) &&
        !all.reads.any_wrote(readers_[first])) {
      readers_.add(all, first, count, by);
      return;
    }
    for_runs(first, count, [&](std::size_t at, std::size_t n) {
      const std::uint32_t number = writes_[at];
      if (number == write_log::never)
        by.never_written(at, n);
      else if (must_ask(all, number, by) && !by.allows(all.writes[number]))
        by.conflicts(all.writes[number], at, n);
      if (all.reads.any_wrote(readers_[at]))
        all.reads.visit(readers_[at], [&](const readers& other) {
          if (other.wrote && !by.allows(other)) by.conflicts(other, at, n);
        });
      readers_.add(all, at, n, by);
    });
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
      if (readers_.empty() || all.reads.known_to_all(readers_[at])) return;
      all.reads.visit(readers_[at], [&](const readers& r) {
        if (!by.allows(r)) by.conflicts(r, at, n);
      });
      readers_.forget(at, n);
    });
    writes_.set(first, count, number);
  }
  /// Checks and records an atomic. It is recorded as a reader, even if it writes. As the last write it would hide
  /// earlier accesses, but an access ordered after this atomic need not be ordered after those.
  template <class Observer>
  void atomic(histories& all, std::size_t first, std::size_t count, Observer& by) {
    readers_.create();
    gather(all, first, count);
    for_runs(first, count, [&](std::size_t at, std::size_t n) {
      const std::uint32_t last = writes_[at];
      if (last == write_log::never) {
        if (by.overwrites()) {  // the first write: there are no earlier accesses that it could hide
          writes_.set(at, n, all.writes.add(by.now()));
          return;
        }
        by.never_written(at, n);
      }
      if (must_ask(all, last, by) && !by.allows(all.writes[last])) by.conflicts(all.writes[last], at, n);
      all.reads.visit(readers_[at], [&](const readers& other) {
        if ((other.wrote || by.now().atomic_write) && !by.allows(other)) by.conflicts(other, at, n);
      });
      readers_.add(all, at, n, by);
    });
  }

  // Plain accesses without a fault: fast paths ------------------------------------------------------------------------

  /// The most common read: of a whole line, or of a word of a line that is stored by words, where all lanes know of the
  /// writes. The lane joins the readers in the same way as the previous lane of its warp did. Any other read returns
  /// false and changes nothing.
  template <std::size_t Count>
  bool repeat_read(const histories& all, std::size_t first, std::uint32_t lane, const reading& by) {
    return writes_.known_as_one<Count>(all, first) && readers_.repeat_add<Count>(all, first, lane, by);
  }
  /// Records a plain read that has no fault. Otherwise returns false, and the caller must call read(), which adds
  /// readers that were already added without effect. `ordered(epoch)`: true if that write happens before this read.
  /// `ordered(readers)`: true if those reads happen before what any lane of this warp does now.
  template <std::size_t Count, class Ordered>
  bool fast_read(histories& all, std::size_t first, std::uint32_t lane, reading& by, const Ordered& ordered) {
    const auto may_follow = [&](std::uint32_t n) {
      return all.writes.known_to_all(n) || (n > write_log::before && ordered(all.writes[n]));
    };
    if (!writes_.is_settled(first / line) && !(Count == line && writes_.known_to_all(all, first, Count)) &&
        !writes_.all(first, Count, may_follow))
      return false;
    return readers_.add_lane<Count>(all, first, lane, by, ordered);
  }
  /// Records a plain write that has no fault. Otherwise changes nothing and returns false.
  template <std::size_t Count, class Ordered>
  bool fast_write(const histories& all, std::size_t first, std::uint32_t number, const Ordered& ordered) {
    const auto may_follow = [&](std::uint32_t n) {
      return n < all.writes.known() || n == number || ordered(all.writes[n]);
    };
    if (!writes_.is_settled(first / line) && !writes_.all(first, Count, may_follow)) return false;
    if (!readers_.forget_ordered<Count>(all, first, ordered)) return false;
    writes_.set_within<Count>(first, number);
    return true;
  }

  // For histories::collect(), which renumbers the entries -------------------------------------------------------------

  template <class Visit>
  void for_writes(const Visit& visit) {
    writes_.for_each(visit);
  }
  template <class Visit>
  void for_readers(const Visit& visit) {
    if (!readers_.empty()) readers_.for_each(visit);
  }

private:
  /// True if an access must be compared with the write `number`.
  template <class Observer>
  static bool must_ask(const histories& all, std::uint32_t number, const Observer& by) {
    return number >= all.writes.known() || (by.asks_always() && all.writes.remembers(number));
  }

  /// Prepares the readers of `count` cells to be used as numbers. Where the writes of a line are stored by cells, its
  /// readers are going to be, too, so the whole line is prepared.
  void gather(histories& all, std::size_t first, std::size_t count) {
    if (!readers_.have_joined()) return;
    std::size_t last = first + count;
    if (first % line != 0 && writes_.unit(first / line) == 1) first -= first % line;
    if (last % line != 0 && writes_.unit(last / line) == 1) last += line - last % line;
    readers_.gather(all, first, last - first);
  }

  /// Calls visit(first, n) for each run of n cells with the same history.
  template <class Visit>
  void for_runs(std::size_t first, std::size_t count, const Visit& visit) {
    for (std::size_t i = first, last = first + count; i < last;) {
      const std::size_t n = writes_.run(i, readers_.empty() ? last : i + readers_.run(i, last));
      visit(i, n);
      i += n;
    }
  }

  std::size_t cells_;
  cell_writes writes_;
  cell_readers readers_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
