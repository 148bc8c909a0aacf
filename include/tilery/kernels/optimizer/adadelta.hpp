// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rule Adadelta.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/moment.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// g = gradient + weight_decay w
/// v = rho v + (1 - rho) g^2
/// u = sqrt(a + epsilon) / sqrt(v + epsilon) g
/// a = rho a + (1 - rho) u^2
/// w = w - rate u
///
/// w: weight, v and a: the mean squares of gradients and of updates, two states. Source: Zeiler, arXiv 1212.5701,
/// algorithm 1, with PyTorch's rate (torch.optim.Adadelta).
///
/// NaN and infinity. With rho = 0, v and a do not depend on their old values; with a weight decay of 0, w does not
/// change g; with a rate of 0, w keeps its value. If the states are float, a finite gradient beyond
/// +-1.8e19 / sqrt(1 - rho) makes v infinite, and u 0; from then on (if rho is not 0) w does not change, as long as the
/// gradients are finite.
struct adadelta {
  double rate = 1;          ///< the learning rate, at least 0
  double rho = 0.9;         ///< in [0, 1)
  double epsilon = 1e-6;    ///< above 0: with 0, u would always be 0
  double weight_decay = 0;  ///< at least 0; weight_decay times the weight is added to the gradient

  static constexpr const char* name = "adadelta";
  static constexpr int states = 2;
  static constexpr const char* state_names[] = {"square", "update"};
  static constexpr bool non_negative[] = {true, true};

  template <class S>
  struct constants {
    S rate, epsilon, weight_decay;
    moment<S> average;

    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& v, pack<S, N>& a) const {
      if (weight_decay != S(0)) g = fma(w, splat<N>(weight_decay), g);
      v = average.mean_square(v, g);
      const auto u = sqrt(a + epsilon) / sqrt(v + epsilon) * g;
      a = average.mean_square(a, u);
      if (rate != S(0)) w = fma(u, splat<N>(-rate), w);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    return {.rate = S(rate * time.rate_factor),
            .epsilon = S(epsilon),
            .weight_decay = S(weight_decay),
            .average = moment<S>::of(rho)};
  }

  template <class Check>
  void check(Check& check) const {
    check.at_least_0("rate", rate);
    check.share("rho", rho);
    check.above_0("epsilon", epsilon);
    check.at_least_0("weight_decay", weight_decay);
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
