// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The last write of each cell of a piece of memory, as the number of an entry in the write log of the histories.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/histories.hpp>

#include <algorithm>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class cell_writes : public line_numbers<false> {
public:
  cell_writes(std::size_t cells, std::uint32_t first_write)
      : line_numbers(cells, first_write), first_write_(first_write) {}

  /// Forgets all writes, or those to `count` cells.
  void forget() { fill(first_write_); }
  void forget(std::size_t first, std::size_t count) { set(first, count, first_write_); }

  /// True if each cell has been written and all lanes know of it. The answer is stored for whole lines
  /// (line_numbers::settled).
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
  /// The same for `Count` cells that are stored as one line, or as one word of a line. May return false if they are
  /// stored in another way.
  template <std::size_t Count>
  bool known_as_one(const histories& all, std::size_t first) const {
    const std::uint32_t number = head(first / line);
    if (all.writes.known_to_all(number) || number & settled) return true;
    if constexpr (Count == word)
      if (const std::uint32_t* at = together<word>(first)) return all.writes.known_to_all(number_of(*at));
    return false;
  }
  /// True if known_to_all() has stored for this line that all lanes know of its writes.
  bool is_settled(std::size_t at) const { return (head(at) & settled) != 0; }

private:
  bool look_up(const histories& all, std::size_t first, std::size_t count) const {
    return this->all(first, count, [&](std::uint32_t number) { return all.writes.known_to_all(number); });
  }

  std::uint32_t first_write_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
