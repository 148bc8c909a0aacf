// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rule RAdam: Adam with a rectified rate.
#pragma once
#pragma GCC system_header

#include <tilery/core/power.hpp>
#include <tilery/kernels/optimizer/moment.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g^2
/// w = w - rate c1 r m sqrt(1 - beta2^t) / (sqrt(v) + epsilon) if rho > 5, else w = w - rate c1 m
///   c1 = 1 / (1 - beta1^t), rho = most - 2 t beta2^t / (1 - beta2^t), most = 2 / (1 - beta2) - 1
///   r = sqrt((rho - 4) (rho - 2) most / ((most - 4) (most - 2) rho))
///
/// w: weight, g: its gradient, m and v: the first and second moments, two states, t: the number of the update, from 1
/// on. rho is the number of gradients that v averages over; with beta2 = 0.999 it is above 5 from the sixth update on.
/// Source: Liu et al., arXiv 1908.03265, algorithm 2, with PyTorch's place of epsilon and bound of 5
/// (torch.optim.RAdam).
///
/// Weight decay. weight_decay w is added to g. The decoupled form first multiplies w by 1 - rate weight_decay.
///
/// NaN and infinity, as in rule::adam: a moment whose beta is 0 does not depend on its old value; with a weight decay
/// of 0, w does not change g; with a rate of 0, w keeps its value. If the moments are float, a finite gradient beyond
/// +-1.8e19 / sqrt(1 - beta2) makes v infinite; from then on (if beta2 is not 0, and rho is above 5) only decoupled
/// weight decay changes w.
struct radam {
  double rate = 1e-3;                 ///< the learning rate, at least 0
  double beta1 = 0.9, beta2 = 0.999;  ///< in [0, 1); with beta2 up to 2/3, rho is never above 5
  double epsilon = 1e-8;              ///< at least 0; with 0, a weight whose moments are 0 becomes NaN, 0 / 0
  double weight_decay = 0;            ///< at least 0
  bool decoupled = false;             ///< true: weight decay as in AdamW

  static constexpr const char* name = "radam";
  static constexpr int states = 2;
  static constexpr const char* state_names[] = {"first", "second"};
  static constexpr bool non_negative[] = {false, true};

  template <class S>
  struct constants {
    S rate;  // of the formula, with all factors that are the same for all elements, because m c1 could overflow
    moment<S> first, second;
    S epsilon, weight_decay, keep;  // keep: the factor of w, 1 without decoupled weight decay
    S adaptive;                     // 1 if rho > 5, else 0

    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& m, pack<S, N>& v) const {
      if (weight_decay != S(0)) g = fma(w, splat<N>(weight_decay), g);
      m = first.mean(m, g);
      v = second.mean_square(v, g);
      if (rate == S(0)) return;
      auto change = m;
      if (adaptive != S(0)) change = m / (sqrt(v) + epsilon);
      w = fma(change, splat<N>(-rate), w * keep);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    const double now = rate * time.rate_factor, power = whole_power(beta2, time.step);
    const double most = 2 / (1 - beta2) - 1;
    const double rho = most - 2 * static_cast<double>(time.step) * power / (1 - power);
    double factor = 1 / (1 - whole_power(beta1, time.step));
    if (rho > 5) factor *= math::sqrt{}((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho) * (1 - power));
    return {.rate = S(now * factor),
            .first = moment<S>::of(beta1),
            .second = moment<S>::of(beta2),
            .epsilon = S(epsilon),
            .weight_decay = decoupled ? S(0) : S(weight_decay),
            .keep = decoupled ? S(1 - now * weight_decay) : S(1),
            .adaptive = S(rho > 5)};
  }

  template <class Check>
  void check(Check& check) const {
    check.at_least_0("rate", rate);
    check.share("beta1", beta1);
    check.share("beta2", beta2);
    check.at_least_0("epsilon", epsilon);
    check.at_least_0("weight_decay", weight_decay);
    check.at_least_0("rate / (1 - beta1), the factor of the first moment in the first update,", rate / (1 - beta1));
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
