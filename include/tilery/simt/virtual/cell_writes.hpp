// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The last write of each cell of a piece of memory. A cell is a byte of shared memory, or an element (at most 4 bytes)
// of global memory. Each cell stores the number of its last write in the write log (write_log.hpp).
//
// Storage. 16 neighbouring cells form a line, 4 form a word. A line stores one number while its cells have one last
// write. Otherwise it is split: it stores one number for each word or for each cell (line_numbers.hpp).
//
// Order. "All lanes know of a write" means that the write happens before what any lane that can access the memory does
// next.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/histories.hpp>

#include <algorithm>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class cell_writes : public line_numbers<false> {
public:
  /// `first_write`: the number that each cell has at first. write_log::never: the cell was never written.
  /// write_log::before: it was written before the launch.
  cell_writes(std::size_t cells, std::uint32_t first_write)
      : line_numbers(cells, first_write), first_write_(first_write) {}

  /// Forgets all writes.
  void forget() { fill(first_write_); }
  /// Forgets the writes to `count` cells.
  void forget(std::size_t first, std::size_t count) { set(first, count, first_write_); }

  /// True if each of the `count` cells has a last write, and all lanes know of these writes. write_log::before is such
  /// a write, write_log::never is none. If this is true for a whole line that is split into words or cells, the line is
  /// marked as settled, until one of its cells is written: calls until then look at the mark only. `all` has the write
  /// log.
  bool known_to_all(const histories& all, std::size_t first, std::size_t count) {
    for (std::size_t i = first, last = first + count; i < last;) {
      const std::size_t at = i / line, stop = std::min(last, (at + 1) * line);
      if (!is_settled(at)) {
        if (!look_up(all, i, stop - i)) return false;
        if (stop - i == line && head(at) & split) settle(at);
      }
      i = stop;
    }
    return true;
  }
  /// Fast version of known_to_all() for `Count` cells of one line. It may return false although known_to_all() returns
  /// true: it looks only at lines that are not split or are settled, and at cells that are stored as one word.
  template <std::size_t Count>
  bool known_as_one(const histories& all, std::size_t first) const {
    const std::uint32_t number = head(first / line);
    // for a split line, the flags in `number` make it too large for the number of a known write
    if (all.writes.known_to_all(number) || number & settled) return true;
    if constexpr (Count == word)
      if (const std::uint32_t* at = together<word>(first)) return all.writes.known_to_all(number_of(*at));
    return false;
  }
  /// True if known_to_all() has marked line number `at`: all of its cells have a last write, and all lanes know of
  /// these writes.
  bool is_settled(std::size_t at) const { return (head(at) & settled) != 0; }

private:
  /// Computes known_to_all() from the cells' numbers, without the marks.
  bool look_up(const histories& all, std::size_t first, std::size_t count) const {
    return this->all(first, count, [&](std::uint32_t number) { return all.writes.known_to_all(number); });
  }

  std::uint32_t first_write_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
