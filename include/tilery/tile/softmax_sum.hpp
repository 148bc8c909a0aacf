// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The maximum m of a row (or, for some rows, an element up to 8 below the maximum) and the sum of e^(x - m) over the
// elements x of the row: the common part of softmax and cross-entropy.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>
#include <tilery/tile/row_values.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The maximum m (`maximum`) and the sum s of e^(x - m) (`sum`) of a row: softmax(x) = e^(x - m) / s, and log(sum e^x)
/// = m + log(s). In a streamed row (row_values), m is an element that may be up to 8 below the maximum; both formulas
/// hold for any m.
///
/// NaN and infinity. A row in which all elements are -infinity has m = 0 and s = 0; its softmax is 0 / 0 = NaN. A row
/// with +infinity or NaN has s = NaN.
template <class T>
struct row_sum {
  T maximum, sum;

  /// Returns e^(x - m) for a pack x of a Row (row_values). In a kept row, softmax_sum() has already replaced the values
  /// by e^(x - m), so that x is returned.
  template <class Row>
  TILERY_SIMT typename Row::values exponential(const Row&, typename Row::values x) const {
    return Row::kept ? x : apply(typename Row::exp{}, x - maximum);
  }
};

/// The maximum of no elements: -infinity.
template <class T>
inline constexpr T no_maximum = -static_cast<T>(__builtin_inf());

/// Returns m, or 0 if m is -infinity: -infinity - m would be NaN.
template <class T>
TILERY_SIMT T finite_maximum(T m) {
  return m == no_maximum<T> ? T(0) : m;
}

/// Computes m and s of the row `x` (row_values), whose elements are divided among the lanes of `group`. Elements out of
/// bounds must be -infinity: they do not raise the maximum, and add 0 to the sum. The values of a kept row are replaced
/// by e^(x - m). This function reads a streamed row once. `slots` is shared memory for the reductions (row_slots).
template <class Group, class Values, class T, int N>
TILERY_SIMT row_sum<T> softmax_sum(Group group, Values& x, shared_array<T, N>& slots, where at = {}) {
  [[maybe_unused]] const auto step = group.lane.step("maximum and sum of a row", at);
  T m = no_maximum<T>, s = 0;
  if constexpr (Values::kept) {
    auto highest = splat<Values::vector>(m);
    x.for_all([&](const auto& values) { highest = max(values, highest); });
    m = finite_maximum(group.reduce(largest(highest), larger{}, slots));
    auto sums = splat<Values::vector>(T(0));
    const auto add = [&](auto& values) { sums = sums + (values = apply(typename Values::exp{}, values - m)); };
    if constexpr (Values::in_parts) {
      auto total = sums;
      x.for_each_in_parts(partial_sum_length(x.packs()), add, [&] {
        total = total + sums;
        sums = splat<Values::vector>(T(0));
      });
      sums = total;
    } else {
      x.for_each([&](auto& values, int, int) { add(values); });
    }
    s = sum(sums);
  } else {
    typename Values::template sum_of<T> sums(x.packs());
    x.for_each([&](auto& values, int, int) {
      const T highest = largest(values);
      // Here m is the number that the sum of e^(x - m) refers to, not always the maximum so far. Each rescaling to a
      // larger m rounds the sum, and in a row of rising elements each element would cause one. So m is raised only if
      // an element exceeds it by more than 8: no term is above e^8.
      if (highest > m + T(8)) {
        sums.rescale(finite_maximum(m), highest);
        m = highest;
      }
      sums.add(sum(apply(typename Values::exp{}, values - finite_maximum(m))));
    });
    const T mine = finite_maximum(m);  // the m of this lane's sum
    m = finite_maximum(group.reduce(m, larger{}, slots));
    s = rescaled(sums.value(), mine, m);
  }
  return {m, group.reduce(s, plus{}, slots)};
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
