// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of the elementwise kernel (kernels/elementwise.hpp) for one update of Adam or AdamW. `step` updates N
// weights.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>
#include <tilery/kernels/elementwise.hpp>

namespace tilery::inline TILERY_ABI {

/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g^2
/// w = w - (rate c1) m / (sqrt(v) sqrt(c2) + epsilon)
///
/// w: weights, g: their gradient, m and v: the first and second moments, rate: the learning rate. All are computed in
/// Moment.
///
/// Bias correction. c1 = 1 / (1 - beta1^t) and c2 = 1 / (1 - beta2^t), where t is the number of the update, from 1 on
/// (Kingma and Ba, arXiv 1412.6980, algorithm 1). Without bias correction both are 1.
///
/// Weight decay. Adam adds weight_decay w to g. AdamW, the decoupled form, first multiplies w by 1 - rate weight_decay
/// (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2).
///
/// NaN and infinity. A moment whose beta is 0 is not read. With a weight decay of 0, w does not change g; with a rate
/// of 0, w is not written. Therefore none of these three factors, if it is 0, makes a NaN of an infinite value. There
/// is one exception: in AdamW with rate weight_decay = 1, w is multiplied by 0, and an infinite w becomes NaN.
template <class Weight, class Gradient, class Moment>
struct adam_params {
  static constexpr const char* name = "adam";
  std::int32_t rows, columns;
  gmem_matrix<Weight> weights;
  gmem_matrix<const Gradient> gradient;
  gmem_matrix<Moment> first, second;  // m and v
  Moment rate;                        // the formula's rate times c1, because m c1 could overflow
  Moment beta1, beta2, rest1, rest2;  // rest: 1 - beta, computed in double, because in float few bits would be exact
  // keep: the factor of w. In Adam it is 1. In AdamW it is 1 - rate weight_decay, where both are the caller's options:
  // this rate does not contain c1. The member weight_decay is 0 in AdamW.
  Moment epsilon, weight_decay, keep;
  Moment root_correction2;  // sqrt(c2), because v c2 can overflow where sqrt(v) sqrt(c2) does not

  template <class Lane, int N>
  TILERY_SIMT void step(Lane lane, int row, int column, width_t<N> n) const {
    const auto w = load_as<Moment>(lane, weights, row, column, n);
    auto g = load_as<Moment>(lane, gradient, row, column, n);
    if (weight_decay != Moment(0)) g = fma(w, splat<N>(weight_decay), g);
    auto m = g * rest1, v = (g * rest2) * g;  // g^2 can overflow where this product does not
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
