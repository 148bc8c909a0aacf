// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A row of a matrix as the packs of one lane. Kept rows are read once, into registers (a GPU) or a small array in the
// first-level cache (the CPU); streamed rows are read again in each pass. Kernels say `for_each` and need not know
// which.
#pragma once

#include <tilery/tile/row_group.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Runs f(pack, first column, how many of its elements are inside) over the packs of a row that belong to this lane.
/// Only the last pack of a row may be cut, and only where P.vector elements need no alignment (the CPU, or vector = 1).
template <auto P, class T, class Accumulator, class Lane>
class row_values {
public:
  static constexpr int vector = P.vector;
  static constexpr bool kept = P.held > 0;
  using values = pack<Accumulator, vector>;

  SIMT row_values(row_group<P, Lane> group, gmem_ptr<T> row, std::int64_t stride, int columns, where at = {})
      : group_(group), row_(row), stride_(stride), columns_(columns) {
    if constexpr (kept && !Lane::alone) {
      TILERY_UNROLL
      for (int i = 0; i < P.held; ++i) held_[i] = splat<vector>(Accumulator(0));
    }
    if constexpr (kept) {
      [[maybe_unused]] const auto step = group_.lane.step("read a row", at);
      each_pack([&](int i, int column) { held_[i] = read(column); });
    }
  }

  /// f(values, column, inside) for each pack; f may change the values of a kept row.
  template <class F>
  SIMT void for_each(F f, where at = {}) {
    each_pack([&](int i, int column) {
      const int inside = inside_at(column);
      if constexpr (kept) {
        f(held_[i], column, inside);
      } else {
        [[maybe_unused]] const auto step = group_.lane.step("read a row again", at);
        values streamed = read(column);
        f(streamed, column, inside);
      }
    });
  }

  /// f(values here, values there, column, inside) for two rows of the same length.
  template <class Other, class F>
  SIMT void for_each_with(Other& other, F f, where at = {}) {
    each_pack([&](int i, int column) {
      const int inside = inside_at(column);
      if constexpr (kept) {
        f(held_[i], other.held_[i], column, inside);
      } else {
        [[maybe_unused]] const auto step = group_.lane.step("read two rows again", at);
        values mine = read(column), its = other.read(column);
        f(mine, its, column, inside);
      }
    });
  }

private:
  template <auto, class, class, class>
  friend class row_values;
  static constexpr int step = row_group<P, Lane>::lanes * vector;

  /// How many elements of the pack at a column belong to the row. On a GPU rows are whole packs: no tail is compiled.
  SIMT int inside_at(int column) const {
    if constexpr (!Lane::alone) return vector;
    return columns_ - column < vector ? columns_ - column : vector;
  }

  // Registers cannot be indexed at run time: a GPU's loop is unrolled, with a guard, the CPU's runs as far as the row.
  template <class F>
  SIMT void each_pack(F f) {
    const int first = group_.rank() * vector;
    if constexpr (kept && !Lane::alone) {
      TILERY_UNROLL
      for (int i = 0; i < P.held; ++i)
        if (first + i * step < columns_) f(i, first + i * step);
    } else {
      for (int i = 0, column = first; column < columns_; ++i, column += step) f(i, column);
    }
  }

  SIMT values read(int column) const {
    if constexpr (vector == 1) {
      return splat<1>(convert<Accumulator>(group_.lane.load(row_ + column * stride_)));
    } else {
      if (Lane::alone && column + vector > columns_) return read_cut(column);
      return convert<Accumulator>(group_.lane.load(row_ + column, width<vector>));
    }
  }

  /// The end of a row that is no whole pack; the rest repeats the last element, which changes no maximum.
  SIMT values read_cut(int column) const {
    values result;
    for (int i = 0; i < vector; ++i)
      result.set(i, convert<Accumulator>(group_.lane.load(row_ + (column + i < columns_ ? column + i : columns_ - 1))));
    return result;
  }

  row_group<P, Lane> group_;
  gmem_ptr<T> row_;  // const T where nobody writes it during the launch
  std::int64_t stride_;
  int columns_;
  values held_[kept ? P.held : 1];
};

/// Writes the first `inside` elements of a pack to a row.
template <class T, class Accumulator, int N, class Lane>
SIMT void write_row(Lane lane, gmem_ptr<T> row, std::int64_t stride, int column, int inside,
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

/// Sum of the first `inside` elements.
template <class T, int N>
SIMT T sum_inside(pack<T, N> values, int inside) {
  if (inside == N) return sum(values);
  T total = 0;
  for (int i = 0; i < inside; ++i) total = total + values[i];
  return total;
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
