// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stores a number for each cell of a piece of memory (cell_writes.hpp and cell_readers.hpp: its last write, its
// readers). Neighbouring cells mostly have the same number, so the numbers are stored compressed. Cells are grouped in
// lines of 16. While all cells of a line have one number, it is stored once, in the line's head. The first access that
// gives some cells another number splits the line: into 4 words of 4 cells if that is enough, otherwise into 16 cells.
// The head then stores the number of the first word or cell, and a second array stores the others. While no line is
// split, a cell takes 0.25 bytes (0.5 bytes with `Joins`). At the first split, the second array is allocated: then
// a cell takes 4 bytes in all.
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

/// `Joins`: true if each line and word (not each cell) has a second number, which the derived class uses. Setting the
/// first number of a line or word sets its second number to 0.
///
/// In the names of parameters: `at` is the number of a line, `first`, `last` and `cell` are numbers of cells.
template <bool Joins>
class line_numbers {
public:
  static constexpr std::size_t line = 16, word = 4;  // cells
  /// A number without its highest bit (bit 31, which write_log and reader_sets set for copy engines) is less than
  /// `end`: bits 28 to 30 of a head are flags.
  static constexpr std::uint32_t end = 1u << 28;
  /// The flags in a line's head. `split`: the line is stored by words or by cells. `in_cells`: the line is stored by
  /// cells. `settled`: the derived class has checked all cells of the line, and need not check them again until a cell
  /// of the line gets a new number.
  static constexpr std::uint32_t split = 1u << 30, in_cells = 1u << 29, settled = 1u << 28;

  line_numbers() = default;
  line_numbers(std::size_t cells, std::uint32_t number)
      : cells_(cells), lines_((cells + line - 1) / line), heads_(new std::uint32_t[lines_ * held]) {
    fill(number);
  }
  /// Sets the number of all cells.
  void fill(std::uint32_t number) {
    for (std::size_t at = 0; at < lines_; ++at) set_line(at, number);
  }
  /// True if there are no cells, because of default construction.
  bool empty() const { return !heads_; }
  /// The host memory that the numbers take, in bytes.
  std::size_t bytes() const {
    return heads_ ? lines_ * (held + (others_ ? line - held : 0)) * sizeof(std::uint32_t) : 0;
  }

  /// Returns a line's head: its first number and the flags.
  std::uint32_t head(std::size_t at) const { return heads_[at * held]; }
  /// Sets the flag `settled` of a line.
  void settle(std::size_t at) { slot(at, 0) |= settled; }
  /// Returns how many cells of a line share one stored number: 16, 4 or 1.
  std::size_t unit(std::size_t at) const { return head(at) & split ? head(at) & in_cells ? 1 : word : line; }

  /// Returns the number of a cell.
  std::uint32_t operator[](std::size_t cell) const {
    const std::size_t at = cell / line;
    return number_of(slot(at, cell % line & ~(unit(at) - 1)));
  }
  /// Returns the address of the one number of the `Count` cells from `first` on, if these cells are a whole line that
  /// is not split, or one word of a line that is stored by words; otherwise returns null. If the cells begin a line,
  /// the address is that of the head, which also has the flags. With `Joins`, the second number is stored after the
  /// first.
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
  /// Returns the address of the number of the line, word or cell that contains `cell`. As for together(), this may be
  /// the head with its flags.
  std::uint32_t* at(std::size_t cell) {
    const std::size_t line_of = cell / line;
    return &slot(line_of, cell % line & ~(unit(line_of) - 1));
  }
  /// Removes the flags from a head.
  static std::uint32_t number_of(std::uint32_t head) { return head & ~(split | in_cells | settled); }

  /// Returns how many successive cells, from `first` on and before `last`, have the same number as cell `first`.
  std::size_t run(std::size_t first, std::size_t last) const {
    const std::uint32_t number = (*this)[first];
    std::size_t end = last;
    visit(first, last, [&](std::size_t cell, std::uint32_t n) { return n == number || (end = cell, false); });
    return end - first;
  }
  /// True if is(number) is true for the number of each of the `count` cells.
  template <class Is>
  bool all(std::size_t first, std::size_t count, const Is& is) const {
    return visit(first, first + count, [&](std::size_t, std::uint32_t n) { return is(n); });
  }

  /// Splits a line that is not split yet into words. Each word gets the line's number (with `Joins`, both numbers).
  void into_words(std::size_t at) {
    if (!others_) others_.reset(new std::uint32_t[lines_ * (line - held)]);
    for (std::size_t i = word; i < line; i += word) {
      slot(at, i) = head(at);
      if (Joins) slot(at, i + 1) = slot(at, 1);
    }
    slot(at, 0) |= split;
  }
  /// For each line and word of `count` cells: if its second number is not 0, replaces the first number by
  /// one(first number, second number) and the second by 0. If the range of cells begins or ends inside a word, it is
  /// extended to whole lines, because set() is going to split these lines into cells, which have no second number.
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
  /// Sets the number of `count` cells. If the range of cells begins or ends inside a word, the second numbers of that
  /// line must be 0 (see for_joined()).
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
  /// Sets the number of `Count` cells, all of them in one line.
  template <std::size_t Count>
  void set_within(std::size_t first, std::uint32_t number) {
    if constexpr (Count == line)
      set_line(first / line, number);
    else
      set_part(first / line, first % line, first % line + Count, number);
  }

  /// Calls visit(number) for each stored number; `visit` may change it.
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
  static constexpr std::size_t held = Joins ? 2 : 1;  // slots of a line in heads_; the other slots are in others_

  /// Returns slot `i` of a line's 16 slots: the number of the line, word or cell that begins at cell `i` of the line.
  /// With `Joins`, the second number of a line or word is in the next slot.
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

  /// Calls each(cell, number) for each line, word or cell that has cells in [first, last), until `each` returns false.
  /// Returns false in that case. `cell` is the first cell of that line, word or cell; in the first call it may also be
  /// `first`.
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

  /// Gives all cells of a line one number: the line is not split any more.
  void set_line(std::size_t at, std::uint32_t number) {
    slot(at, 0) = number;
    if constexpr (Joins) slot(at, 1) = 0;
  }
  /// Gives the cells [first, last) of a line, counted from its first cell, a number. Splits the line if necessary.
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
  /// Splits a line that is stored by words into cells.
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
