// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A 32-bit number for each cell of a memory, of which neighbours mostly agree. A line of 16 cells that have one number
// keeps it once, in its head. The first access that gives some of its cells another number splits it: into words of 4
// cells, or, if need be, into cells. Then the first cells' numbers are in the head, and the others' stand elsewhere.
// That is four bytes a cell at most, and mostly a quarter of one.
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

/// `Joins`: lines and words (not cells) have a second number, which their owner may use; it is 0 where they get a first
/// one.
template <bool Joins>
class line_numbers {
public:
  static constexpr std::size_t line = 16, word = 4;  // cells
  /// Numbers lie below this one, or have the highest bit.
  static constexpr std::uint32_t end = 1u << 28;
  /// What a head says beside its number: the line is in words or in cells; it is in cells; its owner has looked at all
  /// of them, and need not again until one gets a number.
  static constexpr std::uint32_t split = 1u << 30, in_cells = 1u << 29, settled = 1u << 28;

  line_numbers() = default;
  line_numbers(std::size_t cells, std::uint32_t number)
      : cells_(cells), lines_((cells + line - 1) / line), heads_(new std::uint32_t[lines_ * held]) {
    fill(number);
  }
  void fill(std::uint32_t number) {
    for (std::size_t at = 0; at < lines_; ++at) set_line(at, number);
  }
  bool empty() const { return !heads_; }
  std::size_t bytes() const {
    return heads_ ? lines_ * (held + (others_ ? line - held : 0)) * sizeof(std::uint32_t) : 0;
  }

  /// A line's head as it stands.
  std::uint32_t head(std::size_t at) const { return heads_[at * held]; }
  void settle(std::size_t at) { slot(at, 0) |= settled; }
  /// How many cells have a number together in a line.
  std::size_t unit(std::size_t at) const { return head(at) & split ? head(at) & in_cells ? 1 : word : line; }

  std::uint32_t operator[](std::size_t cell) const {
    const std::size_t at = cell / line;
    return number_of(slot(at, cell % line & ~(unit(at) - 1)));
  }
  /// The first number, and whatever else the head says; the second one lies behind it. `Count` cells, a line or a word;
  /// null where they are not just that.
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
  /// The same of the line or word that a cell is in.
  std::uint32_t* at(std::size_t cell) {
    const std::size_t line_of = cell / line;
    return &slot(line_of, cell % line & ~(unit(line_of) - 1));
  }
  static std::uint32_t number_of(std::uint32_t head) { return head & ~(split | in_cells | settled); }

  /// How many cells from `first` to `last` have the number of the first one.
  std::size_t run(std::size_t first, std::size_t last) const {
    const std::uint32_t number = (*this)[first];
    std::size_t end = last;
    visit(first, last, [&](std::size_t cell, std::uint32_t n) { return n == number || (end = cell, false); });
    return end - first;
  }
  /// Whether each of `count` cells has a number that `is(number)`.
  template <class Is>
  bool all(std::size_t first, std::size_t count, const Is& is) const {
    return visit(first, first + count, [&](std::size_t, std::uint32_t n) { return is(n); });
  }

  /// Splits a line into words that have its numbers.
  void into_words(std::size_t at) {
    if (!others_) others_.reset(new std::uint32_t[lines_ * (line - held)]);
    for (std::size_t i = word; i < line; i += word) {
      slot(at, i) = head(at);
      if (Joins) slot(at, i + 1) = slot(at, 1);
    }
    slot(at, 0) |= split;
  }
  /// Replaces the two numbers of each line and word that has a second one by `one(both)`: where `count` cells are, and
  /// beside them where these would split it.
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
  /// Gives cells a number. Where they are but a part of a word, its second number must be 0.
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
  /// The same for cells of one line.
  template <std::size_t Count>
  void set_within(std::size_t first, std::uint32_t number) {
    if constexpr (Count == line)
      set_line(first / line, number);
    else
      set_part(first / line, first % line, first % line + Count, number);
  }

  /// Replaces each number by what `visit` makes of it.
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
  static constexpr std::size_t held = Joins ? 2 : 1;  // cells in a head

  /// Where the number of a cell is that begins a line or word, or is in a line of cells.
  const std::uint32_t& slot(std::size_t at, std::size_t i) const {
    return i < held ? heads_[at * held + i] : others_[at * (line - held) + i - held];
  }
  std::uint32_t& slot(std::size_t at, std::size_t i) {
    return const_cast<std::uint32_t&>(std::as_const(*this).slot(at, i));
  }
  /// The first cell behind the line, the word or the cell that this one is in.
  std::size_t next(std::size_t cell) const {
    const std::size_t n = unit(cell / line);
    return (cell & ~(n - 1)) + n;
  }

  /// Calls each(cell, number) for the lines, words and cells of which some are from `first` to `last`, until it is
  /// false.
  template <class Each>
  bool visit(std::size_t first, std::size_t last, const Each& each) const {
    for (std::size_t i = first; i < last;) {
      const std::size_t at = i / line, begin = at * line, stop = std::min(last, begin + line), n = unit(at);
      if (n == line || i - begin < n) {  // the number in the head
        if (!each(i, number_of(head(at)))) return false;
        i = begin + n;
      }
      for (i &= ~(n - 1); i < stop; i += n)
        if (!each(i, slot(at, i - begin))) return false;
    }
    return true;
  }

  void set_line(std::size_t at, std::uint32_t number) {
    slot(at, 0) = number;
    if constexpr (Joins) slot(at, 1) = 0;
  }
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
