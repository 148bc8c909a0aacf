// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stores a 32-bit number for each cell of a piece of memory. A cell is a byte or an element (shadow.hpp). Its number
// stands for the last write to the cell in cell_writes.hpp, and for the lanes that have read the cell in
// cell_readers.hpp. Neighbouring cells mostly have equal numbers, so the numbers are stored compressed.
//
// Cells are grouped in lines of 16. While all cells of a line have one number, this number is stored once, in the
// line's head. The first access that gives only some cells of the line a different number splits the line: into 4 words
// of 4 cells if the cells of each word still have one number, otherwise into 16 single cells. The head then stores the
// number of the first word or cell, and a second array stores the numbers of the other words or cells.
//
// Memory. While no line is split, the numbers take 0.25 bytes per cell (0.5 bytes if the template parameter `Joins` is
// true). The first split of any line allocates the second array for all lines: from then on the numbers take 4 bytes
// per cell.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// `Joins`: true if each unsplit line, and each word of a line that is stored by words, has a second number, which the
/// derived class uses; single cells have none. The functions that set the first number of a line or word (fill(),
/// set(), set_within()) set its second number to 0.
///
/// Parameters. `at` is the index of a line; `first` and `cell` are indices of cells; `last` is the index of the cell
/// after a range; `count` is a number of cells.
template <bool Joins>
class line_numbers {
public:
  static constexpr std::size_t line = 16, word = 4;  // size of a line and of a word, in cells
  /// The upper bound of a number without its bit 31: such a number must be less than `end`, because bits 28 to 30 of a
  /// head are flags. Bit 31 belongs to the number (write_log.hpp and reader_sets.hpp set it for copy engines).
  static constexpr std::uint32_t end = 1u << 28;
  /// The flags in a line's head. `split`: the line is stored by words or by cells. `in_cells`: the line is stored by
  /// cells. `settled`: set by the derived class after a check of all cells of a split line. The flag is cleared when a
  /// cell of the line gets a new number; until then the check need not be repeated.
  static constexpr std::uint32_t split = 1u << 30, in_cells = 1u << 29, settled = 1u << 28;

  line_numbers() = default;
  /// Gives each of `cells` cells the number `number`.
  line_numbers(std::size_t cells, std::uint32_t number)
      : cells_(cells), lines_((cells + line - 1) / line), heads_(new std::uint32_t[lines_ * held]) {
    fill(number);
  }
  /// Sets the number of all cells.
  void fill(std::uint32_t number) {
    for (std::size_t at = 0; at < lines_; ++at) set_line(at, number);
  }
  /// True for a default-constructed object: it stores no numbers.
  bool empty() const { return !heads_; }
  /// The host memory that the numbers take, in bytes.
  std::size_t bytes() const {
    return heads_ ? lines_ * (held + (others_ ? line - held : 0)) * sizeof(std::uint32_t) : 0;
  }

  /// Returns a line's head: the number of the line, or of its first word or cell if the line is split, and the flags.
  std::uint32_t head(std::size_t at) const { return heads_[at * held]; }
  /// Sets the flag `settled` of line `at`.
  void settle(std::size_t at) { slot(at, 0) |= settled; }
  /// Returns how many cells share each stored number of line `at`: 16, 4 or 1.
  std::size_t unit(std::size_t at) const { return head(at) & split ? head(at) & in_cells ? 1 : word : line; }

  /// Returns the number of a cell.
  std::uint32_t operator[](std::size_t cell) const {
    const std::size_t at = cell / line;
    return number_of(slot(at, cell % line & ~(unit(at) - 1)));
  }
  /// If the `Count` cells from `first` on are a whole line that is not split, or one word of a line that is stored by
  /// words, returns the address of their common number; otherwise returns null. If `first` is the first cell of a line,
  /// the address is that of the head, which also holds the flags. With `Joins`, the second number of this line or word
  /// is stored at the next address.
  template <std::size_t Count>
  const std::uint32_t* together(std::size_t first) const {
    static_assert(Count == line || Count == word);
    const std::size_t at = first / line;
    return (head(at) & (split | in_cells)) == (Count == line ? 0 : split) ? &slot(at, first % line / Count * Count)
                                                                          : nullptr;
  }
  template <std::size_t Count>
  std::uint32_t* together(std::size_t first) {
    return const_cast<std::uint32_t*>(std::as_const(*this).template together<Count>(first));
  }
  /// Returns the address of the stored number of `cell`, which may belong to the whole line or word that contains
  /// `cell`. It may be the address of the head, which also holds the flags. With `Joins`, the second number of a line
  /// or word is stored at the next address.
  std::uint32_t* at(std::size_t cell) {
    const std::size_t line_of = cell / line;
    return &slot(line_of, cell % line & ~(unit(line_of) - 1));
  }
  /// Returns the number in a head, without the flags.
  static std::uint32_t number_of(std::uint32_t head) { return head & ~(split | in_cells | settled); }

  /// Returns how many successive cells of [first, last), from `first` on, have the same number as cell `first`.
  std::size_t run(std::size_t first, std::size_t last) const {
    const std::uint32_t number = (*this)[first];
    std::size_t end = last;
    visit(first, last, [&](std::size_t cell, std::uint32_t n) { return n == number || (end = cell, false); });
    return end - first;
  }
  /// True if is(number) is true for the number of each of the `count` cells from `first` on.
  template <class Is>
  bool all(std::size_t first, std::size_t count, const Is& is) const {
    return visit(first, first + count, [&](std::size_t, std::uint32_t n) { return is(n); });
  }

  /// Splits line `at`, which must not be split yet, into words. Each word gets the line's number (with `Joins`, both of
  /// its numbers).
  void into_words(std::size_t at) {
    if (!others_) others_.reset(new std::uint32_t[lines_ * (line - held)]);
    for (std::size_t i = word; i < line; i += word) {
      slot(at, i) = head(at);
      if (Joins) slot(at, i + 1) = slot(at, 1);
    }
    slot(at, 0) |= split;
  }
  /// For each line and word that contains one of the `count` cells from `first` on: if its second number is not 0,
  /// replaces its first number by one(first number, second number) and its second number by 0. Requires `Joins`. If the
  /// range begins or ends inside a word, it is first extended to whole lines (and perhaps one line more), because a
  /// later set() of these cells may split their lines into single cells, which have no second number.
  template <class One>
  void for_joined(std::size_t first, std::size_t count, const One& one) {
    std::size_t i = first, last = first + count;
    if (i % word != 0 || last % word != 0) i -= i % line, last = std::min(lines_ * line, last + line - 1);
    for (; i < last; i = next(i)) {
      const std::size_t at = i / line, n = unit(at), begin = i % line & ~(n - 1);
      if (n == 1 || slot(at, begin + 1) == 0) continue;
      std::uint32_t& number = slot(at, begin);
      number += one(number_of(number), slot(at, begin + 1)) - number_of(number);
      slot(at, begin + 1) = 0;
    }
  }
  /// Sets the number of the `count` cells from `first` on. With `Joins`: if the range begins or ends inside a word, the
  /// second numbers of the line that contains this word must be 0 (see for_joined()).
  void set(std::size_t first, std::size_t count, std::uint32_t number) {
    for (std::size_t i = first, last = first + count; i < last;) {
      const std::size_t at = i / line, begin = at * line, stop = std::min(last, begin + line);
      if (i == begin && stop == std::min(begin + line, cells_))
        set_line(at, number);
      else
        set_part(at, i - begin, stop - begin, number);
      i = stop;
    }
  }
  /// Sets the number of the `Count` cells from `first` on, which are all in one line; otherwise like set().
  template <std::size_t Count>
  void set_within(std::size_t first, std::uint32_t number) {
    if constexpr (Count == line)
      set_line(first / line, number);
    else
      set_part(first / line, first % line, first % line + Count, number);
  }

  /// Calls visit(number) once for each stored number, without flags; second numbers are left out. `visit` may change
  /// the number.
  template <class Visit>
  void for_each(const Visit& visit) {
    for (std::size_t i = 0; i < lines_ * line; i = next(i)) {
      std::uint32_t& at = slot(i / line, i % line);
      std::uint32_t number = i % line == 0 ? number_of(at) : at;
      visit(number);
      at = i % line == 0 ? number | (at & (split | in_cells | settled)) : number;
    }
  }

private:
  // A line has 16 slots (see slot()): the first `held` of them are in heads_, the others in others_.
  static constexpr std::size_t held = Joins ? 2 : 1;

  /// Returns slot `i` of a line's 16 slots: the number of the line, word or cell that begins at cell `i` of the line.
  /// Slot 0 is the head, with the flags. With `Joins`, the second number of a line or word is in the next slot.
  const std::uint32_t& slot(std::size_t at, std::size_t i) const {
    return i < held ? heads_[at * held + i] : others_[at * (line - held) + i - held];
  }
  std::uint32_t& slot(std::size_t at, std::size_t i) {
    return const_cast<std::uint32_t&>(std::as_const(*this).slot(at, i));
  }
  /// Returns the first cell after the line, word or cell that contains `cell`.
  std::size_t next(std::size_t cell) const {
    const std::size_t n = unit(cell / line);
    return (cell & ~(n - 1)) + n;
  }

  /// Calls each(cell, number) for each stored number of cells in [first, last), until a call returns false. Returns
  /// false in that case, otherwise true. `cell` is the first cell that shares the number; in the first call it may be
  /// `first` instead.
  template <class Each>
  bool visit(std::size_t first, std::size_t last, const Each& each) const {
    for (std::size_t i = first; i < last;) {
      const std::size_t at = i / line, begin = at * line, stop = std::min(last, begin + line), n = unit(at);
      if (n == line || i - begin < n) {  // cell i has the number in the head
        if (!each(i, number_of(head(at)))) return false;
        i = begin + n;
      }
      for (i &= ~(n - 1); i < stop; i += n)
        if (!each(i, slot(at, i - begin))) return false;
    }
    return true;
  }

  /// Gives all cells of line `at` one number. The line is then not split.
  void set_line(std::size_t at, std::uint32_t number) {
    slot(at, 0) = number;
    if constexpr (Joins) slot(at, 1) = 0;
  }
  /// Gives the cells [first, last) of line `at` a number, and splits the line if necessary. Here `first` and `last` are
  /// counted from the line's first cell.
  void set_part(std::size_t at, std::size_t first, std::size_t last, std::uint32_t number) {
    const auto same = [=](std::uint32_t n) { return n == number; };
    if (!Joins && !(head(at) & split) && same(head(at))) return;
    if (!(head(at) & split)) into_words(at);
    if ((first | last) % word != 0 && !(head(at) & in_cells)) {
      if (all(at * line + first, last - first, same)) return;
      into_cells(at);
    }
    slot(at, 0) &= ~settled;
    const std::size_t n = unit(at);
    for (std::size_t i = first; i < last; i += n) {
      slot(at, i) = i == 0 ? number | (head(at) & (split | in_cells)) : number;
      if (Joins && n == word) slot(at, i + 1) = 0;
    }
  }
  /// Splits line `at`, which is stored by words, into cells. With `Joins`, its second numbers are lost: they must be 0.
  void into_cells(std::size_t at) {
    for (std::size_t i = 0; i < line; ++i)
      if (i % word != 0) slot(at, i) = number_of(slot(at, i & ~(word - 1)));
    slot(at, 0) |= in_cells;
  }

  std::size_t cells_ = 0, lines_ = 0;
  std::unique_ptr<std::uint32_t[]> heads_, others_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
