// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax of each row, forward and backward. (ops/rows.hpp lists the files that a new row-wise op needs.) With a policy
// that keeps rows (P.held > 0), the lanes read a row once and keep its values. With a policy that streams rows they
// read it twice; the first pass of the forward kernel then computes maximum and sum together (tile/softmax_sum.hpp).
// All executors run this code.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/policies/row.hpp>
#include <tilery/tile/softmax_sum.hpp>

namespace tilery::inline TILERY_ABI {

/// y = softmax(x) for each row. The computation is in accumulator_t<T>.
template <class T>
struct softmax_params {
  gmem_matrix<T> x;  // only read; its elements are not const, because y may be the same matrix
  gmem_matrix<T> y;
};

template <row_policy P, class T>
struct softmax_kernel {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  using accumulator = accumulator_t<T>;
  static constexpr const char* name = "softmax_forward";
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = true;
  using shared = tile::row_slots<P, accumulator>;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const softmax_params<T>& p, shared& smem) {
    const tile::row_group<P, Lane> group{lane};  // the lanes that share a row
    for (int r = group.first_row(); r < group.end_row(p.x.rows); r += group.groups) {
      tile::row_values<P, T, accumulator, Lane> x(group, p.x.row(r), p.x.column_stride, p.x.columns,
                                                  tile::no_maximum<accumulator>);
      const auto row = tile::softmax_sum(group, x, smem.values);
      const accumulator factor = accumulator(1) / row.sum;
      x.for_each([&](auto& values, int column, int inside) {  // inside: the pack's elements in bounds
        tile::write_row(lane, p.y.row(r), p.y.column_stride, column, inside, row.exponential(x, values) * factor);
      });
    }
  }
};

/// dx = y (dy - sum(y dy)) for each row, where y is the result of the forward pass, and dy the gradient with
/// respect to y.
template <class T>
struct softmax_backward_params {
  gmem_matrix<T> y;   // only read
  gmem_matrix<T> dy;  // only read, unless it is dx
  gmem_matrix<T> dx;  // may be dy
};

/// The product y x, but 0 if y is 0, whatever x is. y is 0 in a masked column; there x (dy, or dy minus a sum) may be
/// infinite, and 0 times infinity would be NaN.
struct chosen_product {
  template <class V>
  TILERY_SIMT V operator()(V y, V x) const {
    return y == V{} ? V{} : y * x;
  }
};

template <row_policy P, class T>
struct softmax_backward_kernel {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  using accumulator = accumulator_t<T>;
  static constexpr const char* name = "softmax_backward";
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = true;
  using shared = tile::row_slots<P, accumulator>;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const softmax_backward_params<T>& p, shared& smem) {
    const tile::row_group<P, Lane> group{lane};
    for (int r = group.first_row(); r < group.end_row(p.y.rows); r += group.groups) {
      // Elements out of bounds are read as 0: they do not change the sum.
      tile::row_values<P, T, accumulator, Lane> y(group, p.y.row(r), p.y.column_stride, p.y.columns, 0);
      tile::row_values<P, T, accumulator, Lane> dy(y, p.dy.row(r), p.dy.column_stride);
      typename decltype(y)::template sum_of<accumulator> products(y.packs());
      y.for_each_with(dy, [&](auto& y_values, auto& dy_values, int, int) {
        products.add(sum(apply(chosen_product{}, y_values, dy_values)));
      });
      const accumulator dot = group.reduce(products.value(), plus{}, smem.values);
      y.for_each_with(dy, [&](auto& y_values, auto& dy_values, int column, int inside) {
        tile::write_row(lane, p.dx.row(r), p.dx.column_stride, column, inside,
                        apply(chosen_product{}, y_values, dy_values - dot));
      });
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
