// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// For each cell of a piece of memory, the lanes and copy engines that have read the cell (or made atomics on it) since
// its last write. A cell is a byte of shared memory, or an element (at most 4 bytes) of global memory. Each cell stores
// the number of a set of readers (reader_sets.hpp).
//
// Storage. 16 neighbouring cells form a line, 4 form a word (line_numbers.hpp). A line or word stores one number while
// its cells have one set. Lanes of a warp that read such a line or word at one site (an operation with its source line)
// and at one time share one set: the first lane makes the set, and each other lane joins it by setting its bit in the
// second number of the line or word. A lane's time increases at its releases, proxy fences and barriers.
//
// Order. A lane "knows of" an access if that access happens before the lane's next access. "All lanes" are all lanes
// that can access the memory. A set of which all lanes know all readers counts as empty.
//
// In this file, `lane` is a mask with one bit set: the bit of the lane's index in its warp. `all` has the table of the
// sets.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/histories.hpp>

#include <algorithm>
#include <bit>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// The reads by the lanes of one warp at one time and site. These lanes read many cells that have the same set of
/// readers. Therefore the last change that one of the lanes made to a set is kept here, and is repeated for the next
/// lane or cell.
struct reading {
  static constexpr std::uint32_t none = ~std::uint32_t{0};  // no set has this number

  readers what;               // warp, time, site and mode of these reads; its `members` are not used
  std::uint32_t mine = none;  // number of the set that these lanes may join
  // the last change: set `from`, which the lanes `from_joined` had joined, became set `to`
  std::uint32_t from = none, from_joined = 0, to = none;
};

class cell_readers : public line_numbers<true> {
public:
  explicit cell_readers(std::size_t cells) : cells_(cells) {}

  /// Creates the numbers at the first read or atomic. Memory that is only written needs no numbers.
  void create() {
    if (empty()) [[unlikely]]
      static_cast<line_numbers<true>&>(*this) = line_numbers<true>(cells_, 0);
  }
  /// Forgets all readers.
  void forget() {
    if (!empty()) fill(0);
  }
  /// Forgets the readers of `count` cells.
  void forget(std::size_t first, std::size_t count) {
    if (!empty()) set(first, count, 0);
  }

  /// Adds one reader to `count` cells, all of which have the same set of readers. `by` describes the new read (or
  /// atomic): now() is its epoch, and ordered(readers) is true if those accesses happen before it.
  template <class Observer>
  void add(histories& all, std::size_t first, std::size_t count, Observer& by) {
    set(first, count, all.reads.with((*this)[first], by.now(), [&](const readers& r) { return by.ordered(r); }));
  }
  /// Adds a lane to the readers of `Count` cells: the lane joins their set, or the change that `by` keeps is repeated.
  /// Returns false, and changes nothing, if this is not possible: the memory has no readers yet, the cells are not
  /// stored as one line or word, or their set is neither by.mine nor the set from which the change began.
  template <std::size_t Count>
  bool repeat_add(const histories& all, std::size_t first, std::uint32_t lane, const reading& by) {
    if (empty()) return false;
    std::uint32_t* const at = together<Count>(first);
    return at && repeat(all, at, lane, by);
  }
  /// Adds a lane to the readers of `Count` cells of one line. `ordered(readers)`: true if these accesses happen before
  /// the next access of every lane of this warp.
  ///
  /// Returns false if shadow::read() must do this instead: some of the readers are atomics that have written; or the
  /// line is stored cell by cell and the cells have different sets; or `Count` is less than 4 and the cells are part of
  /// a line or word that stores one number. When the result is false, some of the cells may have the lane among their
  /// readers already; adding it again has no effect.
  template <std::size_t Count, class Ordered>
  bool add_lane(histories& all, std::size_t first, std::uint32_t lane, reading& by, const Ordered& ordered) {
    create();
    const std::size_t at = first / line;
    if (Count >= word && unit(at) > 1) {
      if (Count == line && unit(at) == word && none_unknown(all, first, Count)) set(first, Count, 0);  // one line again
      if (Count < line && unit(at) == line) into_words(at);
      bool right = true;
      for (std::size_t i = first; i < first + Count; i += unit(at))
        right = right && join(all, this->at(i), lane, by, ordered);
      return right;
    }
    const std::uint32_t from = known_as_none(all, (*this)[first]);
    const auto same = [&](std::uint32_t n) { return known_as_none(all, n) == from; };
    if (unit(at) != 1 || all.reads.any_wrote(from) || !this->all(first, Count, same)) return false;
    const epoch self{by.what.who, by.what.time, by.what.site, static_cast<std::uint8_t>(std::countr_zero(lane))};
    set_within<Count>(first, all.reads.with(from, self, ordered));
    return true;
  }

  /// Forgets the readers of `Count` cells of one line, because the cells are being written, and returns true. If all
  /// lanes know of all readers, nothing needs to be changed: the sets count as empty.
  ///
  /// Returns false, and changes nothing, if the write does not come after all readers (`ordered(readers)` is false for
  /// some of them), or if the cells share their number with cells that are not being written.
  template <std::size_t Count, class Ordered>
  bool forget_ordered(const histories& all, std::size_t first, const Ordered& ordered) {
    if (empty() || none_unknown(all, first, Count)) return true;
    const std::size_t n = unit(first / line);
    bool right = n <= Count;
    for (std::size_t i = first; i < first + Count && right; i += n)
      all.reads.visit((*this)[i], n > 1 ? at(i)[1] : 0, [&](const readers& r) { right = right && ordered(r); });
    if (right) set_within<Count>(first, 0);
    return right;
  }

  /// True once a lane has joined a set. Then gather() must be called before the number of a cell's set is used, because
  /// the lanes that have joined are not yet in this set.
  bool have_joined() const { return joined_; }
  /// For each line and word of `count` cells that lanes have joined: stores the number of the set that includes these
  /// lanes, and clears the second number.
  void gather(histories& all, std::size_t first, std::size_t count) {
    for_joined(first, count,
               [&](std::uint32_t number, std::uint32_t members) { return all.reads.joined(number, members); });
  }
  /// True if all cells store the number of one set, or if all lanes know of all readers of the cells: all sets then
  /// count as empty.
  bool are_one_set(const histories& all, std::size_t first, std::size_t count) const {
    return run(first, first + count) == count || none_unknown(all, first, count);
  }

private:
  /// Adds a lane to the readers at `at`: the lane joins the set, or the last change kept in `by` is repeated. `at[0]`
  /// is the number of the set of a line or word (at the beginning of a line, with the line's flags), `at[1]` is the
  /// mask of the lanes that have joined. Returns false, and changes nothing, if the set is neither by.mine nor the set
  /// from which the change began.
  [[gnu::always_inline]] bool repeat(const histories& all, std::uint32_t* at, std::uint32_t lane, const reading& by) {
    const std::uint32_t number = number_of(at[0]);
    if (number == by.mine) {
      at[1] |= lane;
      return true;
    }
    const std::uint32_t from = known_as_none(all, number);
    if (from != by.from || (from != 0 && at[1] != by.from_joined)) return false;
    at[0] += by.to - number, at[1] = lane;  // the difference changes the number and keeps the flags
    return true;
  }
  /// Adds a lane to the readers at `at` (see repeat()), and keeps the change in `by`. Returns false, and changes
  /// nothing, if the set holds an atomic that has written.
  template <class Ordered>
  bool join(histories& all, std::uint32_t* at, std::uint32_t lane, reading& by, const Ordered& ordered) {
    const std::uint32_t number = number_of(at[0]), from = known_as_none(all, number);
    if (all.reads.holds(number, by.what)) by.mine = number;
    if (repeat(all, at, lane, by)) return true;
    if (all.reads.any_wrote(from)) return false;
    by.from = from, by.from_joined = at[1];
    by.to = by.mine = all.reads.opened(all.reads.joined(from, at[1]), by.what, ordered);
    at[0] += by.to - number, at[1] = lane;
    joined_ = true;
    return true;
  }

  /// Returns the number of the set, or 0 (the empty set) if all lanes know of all of its readers.
  static std::uint32_t known_as_none(const histories& all, std::uint32_t number) {
    return all.reads.known_to_all(number) ? 0 : number;
  }
  /// True if all lanes know of all readers of the cells.
  bool none_unknown(const histories& all, std::size_t first, std::size_t count) const {
    return this->all(first, count, [&](std::uint32_t n) { return all.reads.known_to_all(n); });
  }

  std::size_t cells_;
  bool joined_ = false;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
