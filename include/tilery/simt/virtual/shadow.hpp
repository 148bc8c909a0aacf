// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The access history of a piece of memory (a block's shared memory, or operands or a page of global memory). For each
// cell it stores the last write (cell_writes.hpp) and the readers since this write (cell_readers.hpp). Each new access
// is compared with the history, to find races and reads of uninitialised memory, and is then recorded in it.
//
// Cells. A cell is a byte of shared memory. In global memory a cell is an element of an operand, or 4 bytes of a larger
// element (for overlapping operands: the smallest of their cells, or a byte if their cells do not coincide). If the
// launch names no operands, a cell is a byte.
//
// Size. Cells are stored in lines of 16 (line_numbers.hpp). The history takes at most 0.75 bytes per cell while all 16
// cells of each line have the same history, and at most 8 bytes per cell after a line has been split. A cell stores two
// numbers of entries in two tables: the write log and the reader sets, combined in `histories`. One `histories` is
// shared by all shadows of a launch's global memory; each block's shared memory has its own.
//
// Order. A lane "knows of" an access if that access happens before the lane's next access. "All lanes" are the lanes
// that can access the memory. A copy engine makes asynchronous copies, and its accesses are recorded as those of an
// actor of its own (epoch.hpp); a barrier does not order them, only a wait for the copy does.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/cell_readers.hpp>
#include <tilery/simt/virtual/cell_writes.hpp>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class shadow {
public:
  // 16 and 4 cells: groups of cells that have only one stored number while their histories are equal
  static constexpr std::size_t line = cell_writes::line, word = cell_writes::word;

  /// `first_write`: the last write of each cell before the first access: write_log::never (never written) or
  /// write_log::before (written before the launch).
  shadow(std::size_t cells, std::uint32_t first_write) : cells_(cells), writes_(cells, first_write), readers_(cells) {}
  /// Forgets all accesses.
  void forget() { writes_.forget(), readers_.forget(); }
  /// Forgets the accesses to the `count` cells from `first` on. All lanes must have passed a common barrier since these
  /// accesses.
  void forget(histories& all, std::size_t first, std::size_t count) {
    gather(all, first, count);
    writes_.forget(first, count), readers_.forget(first, count);
  }
  /// Returns the number of cells.
  std::size_t size() const { return cells_; }
  /// Returns the host memory that the cells' numbers take, in bytes.
  std::size_t bytes() const { return writes_.bytes() + readers_.bytes(); }

  // Any access: finds its faults --------------------------------------------------------------------------------------

  /// Checks and records a read of the `count` cells from `first` on.
  ///
  /// The observer `by` answers questions about the new access (access_observer.hpp is one). `allows(other)`: true if
  /// the access may follow the write or the readers `other`. `ordered(other)`: true if `other` happens before the
  /// access. `now()`: the epoch of the access. `asks_always()`: true if the access must be compared even with writes of
  /// which all lanes know. `is_engine()`: true if a copy engine makes the access. `overwrites()`: true for an atomic
  /// that stores a value which does not depend on the old value. The observer also receives the faults, for `n` cells
  /// from `first` on: `never_written(first, n)`: these cells were never written; `conflicts(other, first, n)`: the
  /// access may not follow `other`.
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
  /// Checks and records a write; `number` is the write's number in the write log. The cells' readers are forgotten: an
  /// access that is ordered after this write is ordered after these readers, too (readers that this write may not
  /// follow are reported now).
  template <class Observer>
  void write(histories& all, std::size_t first, std::size_t count, std::uint32_t number, Observer& by) {
    gather(all, first, count);
    for_runs(first, count, [&](std::size_t at, std::size_t n) {
      const std::uint32_t last = writes_[at];
      // equal numbers: writes of one lane, which are ordered, or of one engine, which may be two unordered copies
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
  /// Checks and records an atomic. An atomic is recorded as a reader, even if it writes. (The exception is an atomic
  /// that overwrites a cell which was never written.) If it were recorded as the last write, it would replace the
  /// earlier accesses in the history. But atomics may follow other atomics without order, so a later access that is
  /// ordered after this atomic need not be ordered after the earlier ones, and must still be compared with them.
  template <class Observer>
  void atomic(histories& all, std::size_t first, std::size_t count, Observer& by) {
    readers_.create();
    gather(all, first, count);
    for_runs(first, count, [&](std::size_t at, std::size_t n) {
      const std::uint32_t last = writes_[at];
      if (last == write_log::never) {
        if (by.overwrites()) {  // recorded as the last write: there is no correct earlier access
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

  /// Records a read of the most common kind and returns true. Returns false, and changes nothing, for any other read.
  /// The conditions: the readers of the `Count` cells from `first` on are stored as one line or as one word;
  /// cell_writes::known_as_one() finds that all lanes know of the cells' last writes; and the change of a set of
  /// readers that `by` keeps, the last change by a lane of this warp at this time and site, can be repeated for this
  /// lane. `lane` is a mask with one bit set: the bit of the lane's index in its warp.
  template <std::size_t Count>
  bool repeat_read(const histories& all, std::size_t first, std::uint32_t lane, const reading& by) {
    return writes_.known_as_one<Count>(all, first) && readers_.repeat_add<Count>(all, first, lane, by);
  }
  /// Records a plain read of `Count` cells of one line, if it surely has no fault. Otherwise returns false, and the
  /// caller must call read(); some cells may have this reader already, and read() does not add it to them twice. `lane`
  /// is a mask with one bit set: the bit of the lane's index in its warp. `ordered(epoch)`: true if this earlier write
  /// happens before the read. `ordered(readers)`: true if these earlier reads happen before the next access of each
  /// lane of this warp.
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
  /// Records a plain write of `Count` cells of one line, if it surely has no fault. Otherwise returns false, and
  /// changes nothing. `number` is the write's number in the write log. `ordered(other)`: true if the earlier write or
  /// the earlier reads `other` happen before this write.
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

  /// Calls visit(number) for a reference to each stored number of a write.
  template <class Visit>
  void for_writes(const Visit& visit) {
    writes_.for_each(visit);
  }
  /// Calls visit(number) for a reference to each stored number of a set of readers.
  template <class Visit>
  void for_readers(const Visit& visit) {
    if (!readers_.empty()) readers_.for_each(visit);
  }

private:
  /// True if an access must be compared with the write `number`: not all lanes know of this write, or the access must
  /// always be compared and the write log still stores the write.
  template <class Observer>
  static bool must_ask(const histories& all, std::uint32_t number, const Observer& by) {
    return number >= all.writes.known() || (by.asks_always() && all.writes.remembers(number));
  }

  /// Lanes join the set of readers of a line or word by a bit in a mask (cell_readers.hpp). For the `count` cells from
  /// `first` on, gather() replaces each set that lanes have joined by the set that includes these lanes. If the range
  /// begins or ends inside a line whose writes are stored by cells, the range is extended to the whole line, because
  /// this access may split the line's readers into cells, too.
  void gather(histories& all, std::size_t first, std::size_t count) {
    if (!readers_.have_joined()) return;
    std::size_t last = first + count;
    if (first % line != 0 && writes_.unit(first / line) == 1) first -= first % line;
    if (last % line != 0 && writes_.unit(last / line) == 1) last += line - last % line;
    readers_.gather(all, first, last - first);
  }

  /// Cuts the `count` cells from `first` on into runs, and calls visit(first, n) for each run: `n` successive cells
  /// with the same last write and the same set of readers.
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
