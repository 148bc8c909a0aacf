// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The step of the elementwise kernel for one update of stochastic gradient descent with momentum.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/elementwise.hpp>

namespace tilery::inline TILERY_ABI {

/// g = gradient + weight_decay w
/// v = momentum v + g
/// w = w - rate v, or, in Nesterov's form, w = w - rate (g + momentum v)
/// (Sutskever et al., ICML 2013, in PyTorch's form.)
///
/// NaN and infinity. With a weight decay of 0, w does not change g; with a rate of 0, w is not written. So 0 times
/// infinity makes no NaN.
template <class Weight, class Gradient, class Moment>
struct sgd_params {
  static constexpr const char* name = "sgd";
  std::int32_t rows, columns;
  gmem_matrix<Weight> weights;
  gmem_matrix<const Gradient> gradient;
  gmem_matrix<Moment> velocity;  // null if momentum is 0
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
