// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rule NAdam: Adam with Nesterov momentum.
#pragma once
#pragma GCC system_header

#include <tilery/core/power.hpp>
#include <tilery/kernels/optimizer/moment.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g^2
/// w = w - rate (p g + q m) / (sqrt(v / (1 - beta2^t)) + epsilon)
///   p = (1 - mu(t)) / (1 - mu(1) ... mu(t)), q = mu(t + 1) / (1 - mu(1) ... mu(t + 1))
///   mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2)
///
/// w: weight, g: its gradient, m and v: the first and second moments, two states, t: the number of the update, from 1
/// on. The product of mu(1) ... mu(t) is a scalar of the group. Source: Dozat, ICLR 2016 workshop, in PyTorch's form
/// (torch.optim.NAdam), in which beta1 is also the factor of m.
///
/// Weight decay. weight_decay w is added to g. The decoupled form first multiplies w by 1 - rate weight_decay.
///
/// NaN and infinity, as in rule::adam: a moment whose beta is 0 does not depend on its old value; with a weight decay
/// of 0, w does not change g; with a rate of 0, w keeps its value. If the moments are float, a finite gradient beyond
/// +-1.8e19 / sqrt(1 - beta2) makes v infinite; from then on (if beta2 is not 0) only decoupled weight decay changes w.
struct nadam {
  double rate = 2e-3;                 ///< the learning rate, at least 0
  double beta1 = 0.9, beta2 = 0.999;  ///< in [0, 1)
  double epsilon = 1e-8;              ///< at least 0; with 0, a weight whose moments are 0 becomes NaN, 0 / 0
  double weight_decay = 0;            ///< at least 0
  double momentum_decay = 4e-3;       ///< at least 0: how fast mu grows from beta1 / 2 to beta1
  bool decoupled = false;             ///< true: weight decay as in AdamW

  static constexpr const char* name = "nadam";
  static constexpr int states = 2;
  static constexpr const char* state_names[] = {"first", "second"};
  static constexpr bool non_negative[] = {false, true};
  static constexpr int scalars = 1;

  template <class S>
  struct constants {
    S rate_gradient, rate_moment;  // rate p and rate q, because p g and q m could overflow
    moment<S> first, second;
    S epsilon, weight_decay, keep;  // keep: the factor of w, 1 without decoupled weight decay
    S root_correction2;             // sqrt(1 / (1 - beta2^t))
    S moves;                        // 0 if the rate is 0, else 1

    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& m, pack<S, N>& v) const {
      if (weight_decay != S(0)) g = fma(w, splat<N>(weight_decay), g);
      m = first.mean(m, g);
      v = second.mean_square(v, g);
      if (moves == S(0)) return;
      const auto change = fma(m, splat<N>(rate_moment), g * rate_gradient);
      w = w * keep - change / (sqrt(v) * root_correction2 + epsilon);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time, double* product) const {
    const double now = rate * time.rate_factor;
    const double mu = momentum(time.step), next = momentum(time.step + 1);
    *product = mu * (time.step > 1 ? *product : 1);
    return {.rate_gradient = S(now * (1 - mu) / (1 - *product)),
            .rate_moment = S(now * next / (1 - *product * next)),
            .first = moment<S>::of(beta1),
            .second = moment<S>::of(beta2),
            .epsilon = S(epsilon),
            .weight_decay = decoupled ? S(0) : S(weight_decay),
            .keep = decoupled ? S(1 - now * weight_decay) : S(1),
            .root_correction2 = S(1 / math::sqrt{}(1 - whole_power(beta2, time.step))),
            .moves = S(now != 0)};
  }

  template <class Check>
  void check(Check& check) const {
    check.at_least_0("rate", rate);
    check.share("beta1", beta1);
    check.share("beta2", beta2);
    check.at_least_0("epsilon", epsilon);
    check.at_least_0("weight_decay", weight_decay);
    check.at_least_0("momentum_decay", momentum_decay);
    check.at_least_0("rate / (1 - beta1), the largest factor of the first moment,", rate / (1 - beta1));
  }

private:
  /// mu of update t.
  TILERY_SIMT double momentum(std::int64_t t) const {
    constexpr double log_096 = -0.04082199452025517;  // log(0.96)
    return beta1 * (1 - 0.5 * math::exp{}(static_cast<double>(t) * momentum_decay * log_096));
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
