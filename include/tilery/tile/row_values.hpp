// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The elements of a row that belong to one lane, in packs (row_cut.hpp). A kept row is read once, into registers (GPU)
// or into an array on the stack, short enough to stay in the L2 cache (CPU). A streamed row is read from memory again
// in each pass. Kernels call the same functions, such as for_each(), for both.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/core/math.hpp>
#include <tilery/tile/long_sum.hpp>
#include <tilery/tile/row_cut.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The values of one lane of a row of T, converted to Accumulator, under row_policy P. The row is kept if P.held > 0,
/// else streamed.
///
/// Edges. On a GPU, elements before the first whole pack and after the last one are read one by one (row_cut.hpp). Such
/// an element is the first element of a pack of its own, whose other elements are `outside`.
///
/// Out of bounds. Elements of a pack that are out of bounds are read as `outside`. Choose a value that does not change
/// the result, for example 0 for a sum: the function that for_each() calls then needs the number of elements in bounds
/// only to write them.
template <auto P, class T, class Accumulator, class Lane>
class row_values {
public:
  static constexpr int vector = P.vector;
  static constexpr bool kept = P.held > 0;
  using values = pack<Accumulator, vector>;
  using exp = std::conditional_t<P.hardware_exp, math::hardware_exp, math::exp>;  // e^x by hardware or by a polynomial

  /// True if a lane adds up its elements of the row in partial sums (long_sum.hpp), because they may be many: on the
  /// CPU, and on a GPU in rows that are streamed element by element. The other GPU lanes have fewer packs each, and no
  /// registers for a second sum.
  static constexpr bool in_parts = Lane::is_whole_block || (!kept && vector == 1);
  template <class S>
  using sum_of = std::conditional_t<in_parts, long_sum<S>, short_sum<S>>;
  /// An upper bound for the number of packs that this lane has.
  TILERY_SIMT int packs() const { return cut_.most_packs(); }

  /// The row of `columns` elements, `stride` apart, that begins at `row`. With packs of 2 or more elements, the row
  /// must be contiguous, and `stride` is not used. A kept row is read now.
  TILERY_SIMT row_values(row_group<P, Lane> group, gmem_ptr<T> row, std::int64_t stride, int columns,
                         Accumulator outside, where at = {})
      : cut_(group, row, columns), row_(row), stride_(stride), outside_(outside) {
    keep(at);
  }

  /// A second row that begins at `row`, with the length and the cuts of `first`, and the same value for elements out of
  /// bounds. On a GPU the packs of this row must be aligned at the same columns as those of `first`. A kept row is read
  /// now.
  template <class Other>
  TILERY_SIMT row_values(const Other& first, gmem_ptr<T> row, std::int64_t stride, where at = {})
      : cut_(first.cut_), row_(row), stride_(stride), outside_(first.outside_) {
    keep(at);
  }

  /// Calls f(values, column, number of elements in bounds) for each pack of this lane; `column` is the column of the
  /// first element. f may change the values of a kept row; changes to a streamed row are lost.
  template <class F>
  TILERY_SIMT void for_each(F f, where at = {}) {
    if constexpr (kept) {
      each_pack([&](int i, int column) { f(held_[i], column, cut_.inside_at(column)); });
      if (cut_.has_edge()) f(held_edge_, cut_.edge(), 1);
    } else {
      [[maybe_unused]] const auto step = cut_.lane().step("read a row again", at);
      values ahead[P.ahead] = {};  // initialised only because g++ warns: it does not see the writes
      each_few<P.ahead>([&](int i, int column) { ahead[i] = read(column); },
                        [&](int i, int column) { f(ahead[i], column, cut_.inside_at(column)); });
      if (cut_.has_edge()) {
        values at_edge = read_edge();
        f(at_edge, cut_.edge(), 1);
      }
    }
  }

  /// Calls f(values) for each pack, and fold() after every `packs_of_part` packs and at the end: f adds to a partial
  /// sum, and fold() adds the partial sum to the total. On the CPU two nested loops run over a kept row, so that the
  /// inner loop needs no second counter.
  template <class F, class Fold>
  TILERY_SIMT void for_each_in_parts(int packs_of_part, F f, Fold fold, where at = {}) {
    if constexpr (kept && Lane::is_whole_block) {
      const int all = pieces(cut_.columns(), step);
      for (int begin = 0; begin < all; begin += packs_of_part) {
        const int behind = lesser(all, begin + packs_of_part);
        for (int i = begin; i < behind; ++i) f(held_[i]);
        fold();
      }
    } else {
      int left = packs_of_part;
      for_each(
          [&](auto& values, int, int) {
            f(values);
            if (--left == 0) fold(), left = packs_of_part;
          },
          at);
      fold();
    }
  }

  /// On a GPU, calls f(values) for each pack for which a kept row has registers, in bounds or not: all elements of a
  /// pack out of bounds have the value `outside`. The loop has no predicates, so that the compiler need not make one
  /// pack wait for another. On the CPU, and for a streamed row, calls f(values) for the packs in bounds only.
  template <class F>
  TILERY_SIMT void for_all(F f, where at = {}) {
    if constexpr (kept && !Lane::is_whole_block) {
      TILERY_UNROLL
      for (int i = 0; i < P.held; ++i) f(held_[i]);
      if constexpr (cut::has_edges) f(held_edge_);
    } else {
      for_each([&](auto& values, int, int) { f(values); }, at);
    }
  }

  /// Calls f(values, values of `other`, column, number of elements in bounds) for each pack of this row and the pack of
  /// `other` at the same column. `other` is a second row that was constructed from this row.
  template <class Other, class F>
  TILERY_SIMT void for_each_with(Other& other, F f, where at = {}) {
    if constexpr (kept) {
      each_pack([&](int i, int column) { f(held_[i], other.held_[i], column, cut_.inside_at(column)); });
      if (cut_.has_edge()) f(held_edge_, other.held_edge_, cut_.edge(), 1);
    } else {
      [[maybe_unused]] const auto step = cut_.lane().step("read two rows again", at);
      constexpr int few = P.ahead > 1 ? P.ahead / 2 : 1;
      values mine[few], its[few];
      each_few<few>([&](int i, int column) { mine[i] = read(column), its[i] = other.read(column); },
                    [&](int i, int column) { f(mine[i], its[i], column, cut_.inside_at(column)); });
      if (cut_.has_edge()) {
        values my_edge = read_edge(), its_edge = other.read_edge();
        f(my_edge, its_edge, cut_.edge(), 1);
      }
    }
  }

private:
  template <auto, class, class, class>
  friend class row_values;
  using cut = row_cut<P, Lane>;
  static constexpr int step = cut::step;

  /// Reads a kept row; does nothing for a streamed row.
  TILERY_SIMT void keep(where at) {
    if constexpr (kept) {
      [[maybe_unused]] const auto reading = cut_.lane().step("read a row", at);
      if constexpr (!Lane::is_whole_block) {
        TILERY_UNROLL
        for (int i = 0; i < P.held; ++i) held_[i] = splat<vector>(outside_);
        held_edge_ = splat<vector>(outside_);
      }
      if constexpr (Lane::is_whole_block) {
        each_pack([&](int i, int column) { held_[i] = read(column); });
      } else {
        // Not each_pack(): nvcc would keep the conditions of its loop in predicate registers for all passes over the
        // row, and run out of predicate registers.
        TILERY_UNROLL
        for (int i = 0; i < P.held; ++i)
          if (cut_.first() + i * step < cut_.end()) held_[i] = read(cut_.first() + i * step);
        packs_ = cut_.first() < cut_.end() ? (cut_.end() - cut_.first() + step - 1) / step : 0;
      }
      if (cut_.has_edge()) held_edge_ = read_edge();
    }
  }

  // Calls f(i, column) for each pack i of this lane. Registers cannot be indexed at run time: for a kept row a GPU's
  // loop is unrolled, with a predicate for each pack. The other loops have a bound at run time.
  template <class F>
  TILERY_SIMT void each_pack(F f) {
    if constexpr (kept && !Lane::is_whole_block) {
      TILERY_UNROLL
      for (int i = 0; i < P.held; ++i)
        if (i < packs_) f(i, cut_.first() + i * step);
    } else {
      for (int i = 0, column = cut_.first(); column < cut_.end(); ++i, column += step) f(i, column);
    }
  }

  // Calls read_one(i, column) for `Few` packs, then use_one(i, column) for the same packs, until the row ends: the
  // loads of `Few` packs are in flight together. i is below Few.
  template <int Few, class Read, class Use>
  TILERY_SIMT void each_few(Read read_one, Use use_one) {
    for (int column = cut_.first(); column < cut_.end(); column += Few * step) {
      TILERY_UNROLL
      for (int i = 0; i < Few; ++i)
        if (i == 0 || column + i * step < cut_.end()) read_one(i, column + i * step);
      TILERY_UNROLL
      for (int i = 0; i < Few; ++i)
        if (i == 0 || column + i * step < cut_.end()) use_one(i, column + i * step);
    }
  }

  /// Reads the pack at `column`.
  TILERY_SIMT values read(int column) const {
    if constexpr (vector == 1) {
      return splat<1>(convert<Accumulator>(cut_.lane().load(row_ + column * stride_)));
    } else {
      if (Lane::takes_any_alignment && column + vector > cut_.columns())
        return read_cut(column, cut_.columns() - column);
      return convert<Accumulator>(cut_.lane().load(row_ + column, width<vector>));
    }
  }

  TILERY_SIMT values read_edge() const { return read_cut(cut_.edge(), 1); }

  /// Reads the first `inside` elements of the pack at `column`; the other elements are `outside`.
  TILERY_SIMT values read_cut(int column, int inside) const {
    values result = splat<vector>(outside_);
    TILERY_UNROLL
    for (int i = 0; i < vector; ++i)
      if (i < inside) result.set(i, convert<Accumulator>(cut_.lane().load(row_ + column + i)));
    return result;
  }

  cut cut_;
  gmem_ptr<T> row_;  // T is const if no lane writes the row during the launch
  std::int64_t stride_;
  Accumulator outside_;
  int packs_ = 0;  // packs that this lane keeps; used on a GPU
  values held_[kept ? P.held : 1];
  values held_edge_;
};

/// Writes the first `inside` elements of a pack, converted to T, to a row from `column` on. A whole pack of 2 or more
/// elements is one access, for which the row must be contiguous; otherwise the elements are `stride` apart.
template <class T, class Accumulator, int N, class Lane>
TILERY_SIMT void write_row(Lane lane, gmem_ptr<T> row, std::int64_t stride, int column, int inside,
                           pack<Accumulator, N> values, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("write a row", at);
  if (N > 1 && inside == N) {
    lane.store(row + column, convert<T>(values));
  } else {
    TILERY_UNROLL
    for (int i = 0; i < N; ++i)
      if (i < inside) lane.store(row + (column + i) * stride, convert<T>(values[i]));
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
