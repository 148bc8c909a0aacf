// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One step of Adam, or of AdamW.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>
#include <tilery/kernels/elementwise.hpp>

namespace tilery::inline TILERY_ABI {

/// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w = w - (rate c1) m / (sqrt(v) sqrt(c2) + epsilon), with
/// c = 1 / (1 - beta^step), or 1 without bias correction (Kingma and Ba, arXiv 1412.6980, algorithm 1). Weight decay is
/// added to the gradient, or, where decoupled, w is first scaled by 1 - rate weight_decay (Loshchilov and Hutter, arXiv
/// 1711.05101, algorithm 2). A beta of 0 does not read its moment, and a weight decay or a rate of 0 takes no part in
/// w: 0 times infinity would be NaN.
template <class Weight, class Gradient, class Moment>
struct adam_params {
  static constexpr const char* name = "adam";
  std::int32_t rows, columns;
  gmem_matrix<Weight> weights;
  gmem_matrix<const Gradient> gradient;
  gmem_matrix<Moment> first, second;   // moments
  Moment rate;                         // times c1: m c1 could overflow
  Moment beta1, beta2, rest1, rest2;   // rest: 1 - beta, which a float beta near 1 would give only a few bits
  Moment epsilon, weight_decay, keep;  // keep: 1 - rate weight_decay where decoupled, else 1
  Moment root_correction2;             // sqrt(c2): v c2 would overflow where its root does not

  template <class Lane, int N>
  TILERY_SIMT void step(Lane lane, int row, int column, width_t<N> n) const {
    const auto w = load_as<Moment>(lane, weights, row, column, n);
    auto g = load_as<Moment>(lane, gradient, row, column, n);
    if (weight_decay != Moment(0)) g = fma(w, splat<N>(weight_decay), g);
    auto m = g * rest1, v = (g * rest2) * g;  // g^2 would overflow where the product does not
    if (beta1 != Moment(0)) m = fma(load_as<Moment>(lane, first, row, column, n), splat<N>(beta1), m);
    if (beta2 != Moment(0)) v = fma(load_as<Moment>(lane, second, row, column, n), splat<N>(beta2), v);
    store_as(lane, first, row, column, m);
    store_as(lane, second, row, column, v);
    if (rate == Moment(0)) return;
    const auto change = m / (sqrt(v) * root_correction2 + epsilon);
    store_as(lane, weights, row, column, fma(change, splat<N>(-rate), w * keep));
  }
};

}  // namespace tilery::inline TILERY_ABI
