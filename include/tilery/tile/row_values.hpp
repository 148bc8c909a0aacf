// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The packs of a row that belong to one lane (row_cut.hpp). A kept row is read once, into registers (GPU) or into an
// array in the second-level cache (CPU). A streamed row is read again in each pass. Kernels call for_each() for both.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/core/math.hpp>
#include <tilery/tile/long_sum.hpp>
#include <tilery/tile/row_cut.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Calls f(pack, first column, number of elements in bounds) for each pack of a row that belongs to this lane. An edge
/// is the first element of a pack of its own. Elements out of bounds are read as `outside`. Choose a value that does
/// not change the result: then f needs the number of elements only to write them.
template <auto P, class T, class Accumulator, class Lane>
class row_values {
public:
  static constexpr int vector = P.vector;
  static constexpr bool kept = P.held > 0;
  using values = pack<Accumulator, vector>;
  using exp = std::conditional_t<P.hardware_exp, math::hardware_exp, math::exp>;  // e^x: of hardware, or a polynomial

  /// True if a lane adds up its share of the row in partial sums, because the share may be long: on the CPU, and in
  /// rows that are streamed in single elements. Other lanes of a GPU have few packs each, and no registers to spare.
  static constexpr bool in_parts = Lane::is_whole_block || (!kept && vector == 1);
  template <class S>
  using sum_of = std::conditional_t<in_parts, long_sum<S>, short_sum<S>>;
  /// An upper bound for the number of packs that a lane has.
  TILERY_SIMT int packs() const { return cut_.most_packs(); }

  TILERY_SIMT row_values(row_group<P, Lane> group, gmem_ptr<T> row, std::int64_t stride, int columns,
                         Accumulator outside, where at = {})
      : cut_(group, row, columns), row_(row), stride_(stride), outside_(outside) {
    keep(at);
  }

  /// A second row, of the same length as `first` and cut at the same columns.
  template <class Other>
  TILERY_SIMT row_values(const Other& first, gmem_ptr<T> row, std::int64_t stride, where at = {})
      : cut_(first.cut_), row_(row), stride_(stride), outside_(first.outside_) {
    keep(at);
  }

  /// Calls f(values, column, number of elements in bounds) for each pack. f may change the values of a kept row.
  template <class F>
  TILERY_SIMT void for_each(F f, where at = {}) {
    if constexpr (kept) {
      each_pack([&](int i, int column) { f(held_[i], column, cut_.inside_at(column)); });
      if (cut_.has_edge()) f(held_edge_, cut_.edge(), 1);
    } else {
      [[maybe_unused]] const auto step = cut_.lane().step("read a row again", at);
      values ahead[P.ahead] = {};  // g++ does not see that each is read before its use
      each_few<P.ahead>([&](int i, int column) { ahead[i] = read(column); },
                        [&](int i, int column) { f(ahead[i], column, cut_.inside_at(column)); });
      if (cut_.has_edge()) {
        values at_edge = read_edge();
        f(at_edge, cut_.edge(), 1);
      }
    }
  }

  /// Calls f(values) for each pack, and fold() after every `packs_of_part` packs and after the last one. On the CPU a
  /// kept row has a nested loop, so that the inner loop has no second counter.
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

  /// Calls f(values) for each pack that a kept row has registers for, in bounds or not: a pack that is out of bounds
  /// has the value `outside`. Without predicates in a GPU's loop, the compiler need not make one pack wait for another.
  /// On the CPU, and for a streamed row, only packs in bounds are visited.
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

  /// Calls f(values, values of `other`, column, number of elements in bounds) for each pack of this row and of `other`,
  /// which was constructed from this row.
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
        // Not each_pack(): nvcc would keep its conditions in predicate registers for all passes, and run out of them.
        TILERY_UNROLL
        for (int i = 0; i < P.held; ++i)
          if (cut_.first() + i * step < cut_.end()) held_[i] = read(cut_.first() + i * step);
        packs_ = cut_.first() < cut_.end() ? (cut_.end() - cut_.first() + step - 1) / step : 0;
      }
      if (cut_.has_edge()) held_edge_ = read_edge();
    }
  }

  // Registers cannot be indexed at run time: a GPU's loop is unrolled, with a predicate for each pack. The CPU's loop
  // ends with the row.
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

  // Reads `Few` packs, then uses them: their reads are in flight together.
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

  TILERY_SIMT values read_cut(int column, int inside) const {
    values result = splat<vector>(outside_);
    TILERY_UNROLL
    for (int i = 0; i < vector; ++i)
      if (i < inside) result.set(i, convert<Accumulator>(cut_.lane().load(row_ + column + i)));
    return result;
  }

  cut cut_;
  gmem_ptr<T> row_;  // const T if no lane writes it during the launch
  std::int64_t stride_;
  Accumulator outside_;
  int packs_ = 0;  // packs that this lane keeps; used on a GPU
  values held_[kept ? P.held : 1];
  values held_edge_;
};

/// Writes the first `inside` elements of a pack to a row.
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
