// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rule Adagrad.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// g = gradient + weight_decay w
/// h = h + g^2
/// w = w - rate / (1 + (t - 1) rate_decay) g / (sqrt(h) + epsilon)
///
/// w: weight, h: the sum of squares, the only state, t: the number of the update, from 1 on. Source: Duchi et al., JMLR
/// 12 (2011), in its diagonal form, with PyTorch's decay of the rate (torch.optim.Adagrad).
///
/// NaN and infinity. With a weight decay of 0, w does not change g; with a rate of 0, w keeps its value. If the state
/// is float, a finite gradient beyond +-1.8e19 makes h infinite; then w does not change any more, as long as the
/// gradients are finite.
struct adagrad {
  double rate = 0.01;       ///< the learning rate, at least 0
  double rate_decay = 0;    ///< at least 0
  double epsilon = 1e-10;   ///< at least 0; with 0, a weight whose gradients were all 0 becomes NaN, 0 / 0
  double weight_decay = 0;  ///< at least 0; weight_decay times the weight is added to the gradient
  double initial_sum = 0;   ///< at least 0: h before the first update

  static constexpr const char* name = "adagrad";
  static constexpr int states = 1;
  static constexpr const char* state_names[] = {"sum"};
  static constexpr bool non_negative[] = {true};

  template <class S>
  struct constants {
    S rate, epsilon, weight_decay;
    S added;  // to h, besides g^2: initial_sum in the first update, else 0

    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& h) const {
      if (weight_decay != S(0)) g = fma(w, splat<N>(weight_decay), g);
      h = fma(g, g, h + added);
      if (rate != S(0)) w = fma(g / (sqrt(h) + epsilon), splat<N>(-rate), w);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    return {.rate = S(rate * time.rate_factor / (1 + static_cast<double>(time.step - 1) * rate_decay)),
            .epsilon = S(epsilon),
            .weight_decay = S(weight_decay),
            .added = time.step > 1 ? S(0) : S(initial_sum)};
  }

  template <class Check>
  void check(Check& check) const {
    check.at_least_0("rate", rate);
    check.at_least_0("rate_decay", rate_decay);
    check.at_least_0("epsilon", epsilon);
    check.at_least_0("weight_decay", weight_decay);
    check.at_least_0("initial_sum", initial_sum);
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
