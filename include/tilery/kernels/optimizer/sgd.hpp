// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rule of stochastic gradient descent, with or without momentum.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// g = gradient + weight_decay w
/// v = g in the first update, then v = momentum v + (1 - dampening) g
/// w = w - rate v, or, in Nesterov's form, w = w - rate (g + momentum v)
///
/// w: weight, v: velocity, a state; with momentum = 0, v = g is not stored. Source: Sutskever et al., ICML 2013, in
/// PyTorch's form (torch.optim.SGD), where the rate is not a factor of v, and dampening begins with the second update.
///
/// NaN and infinity. With a weight decay of 0, w does not change g; with a rate of 0, w keeps its value. Therefore a
/// factor of 0 does not make a NaN of an infinite value.
struct sgd {
  double rate = 0.01;       ///< the learning rate, at least 0
  double momentum = 0;      ///< at least 0
  double dampening = 0;     ///< in [0, 1]
  double weight_decay = 0;  ///< at least 0; weight_decay times the weight is added to the gradient
  bool nesterov = false;    ///< Nesterov's form; only with momentum and without dampening

  static constexpr const char* name = "sgd";
  static constexpr int states = 1;
  static constexpr const char* state_names[] = {"velocity"};
  bool keeps_state(int) const { return momentum != 0; }

  template <class S>
  struct constants {
    S rate, momentum, rest, weight_decay, nesterov;  // rest: the factor of g in v; nesterov: 0 or 1

    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& v) const {
      if (weight_decay != S(0)) g = fma(w, splat<N>(weight_decay), g);
      if (momentum != S(0)) {
        v = fma(v, splat<N>(momentum), g * rest);
        g = nesterov != S(0) ? fma(v, splat<N>(momentum), g) : v;
      }
      if (rate != S(0)) w = fma(g, splat<N>(-rate), w);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    return {.rate = S(rate * time.rate_factor),
            .momentum = S(momentum),
            .rest = S(time.step > 1 ? 1 - dampening : 1.0),
            .weight_decay = S(weight_decay),
            .nesterov = S(nesterov)};
  }

  template <class Check>
  void check(Check& check) const {
    check.at_least_0("rate", rate);
    check.at_least_0("momentum", momentum);
    check.within("dampening", dampening, 0, 1);
    check.at_least_0("weight_decay", weight_decay);
    check.must("nesterov", !nesterov || (momentum > 0 && dampening == 0), "needs momentum above 0 and dampening 0");
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
