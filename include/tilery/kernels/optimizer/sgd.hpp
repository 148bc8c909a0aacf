// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of the elementwise kernel (kernels/elementwise.hpp) for one update of stochastic gradient descent,
// with or without momentum. `step` updates N weights.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/elementwise.hpp>

namespace tilery::inline TILERY_ABI {

/// g = gradient + weight_decay w
/// v = momentum v + g
/// w = w - rate v, or, in Nesterov's form, w = w - rate (g + momentum v)
///
/// w: weights, v: velocity, g: the gradient with weight decay. All are computed in Moment. Source: Sutskever et al.,
/// ICML 2013, in PyTorch's form, where the rate is not a factor of v.
///
/// NaN and infinity. With a weight decay of 0, w does not change g; with a rate of 0, w is not written. Therefore a
/// factor of 0 does not make a NaN of an infinite value.
template <class Weight, class Gradient, class Moment>
struct sgd_params {
  static constexpr const char* name = "sgd";
  std::int32_t rows, columns;
  gmem_matrix<Weight> weights;
  gmem_matrix<const Gradient> gradient;
  gmem_matrix<Moment> velocity;  // null if momentum is 0: then v = g is not stored
  Moment rate, momentum, weight_decay;
  bool nesterov;

  template <class Lane, int N>
  TILERY_SIMT void step(Lane lane, int row, int column, width_t<N> n) const {
    const auto w = load_as<Moment>(lane, weights, row, column, n);
    auto g = load_as<Moment>(lane, gradient, row, column, n);
    if (weight_decay != Moment(0)) g = fma(w, splat<N>(weight_decay), g);
    if (velocity.data) {
      const auto v = fma(load_as<Moment>(lane, velocity, row, column, n), splat<N>(momentum), g);
      store_as(lane, velocity, row, column, v);
      g = nesterov ? fma(v, splat<N>(momentum), g) : v;
    }
    if (rate != Moment(0)) store_as(lane, weights, row, column, fma(g, splat<N>(-rate), w));
  }
};

}  // namespace tilery::inline TILERY_ABI
