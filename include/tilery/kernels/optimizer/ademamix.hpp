// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rule AdEMAMix: AdamW with a second, slower average of the gradients.
#pragma once
#pragma GCC system_header

#include <tilery/core/power.hpp>
#include <tilery/kernels/optimizer/moment.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// m = beta1 m + (1 - beta1) g
/// s = beta3(t) s + (1 - beta3(t)) g
/// v = beta2 v + (1 - beta2) g^2
/// w = w - rate ((c1 m + alpha(t) s) / (sqrt(c2 v) + epsilon) + weight_decay w)
///   c1 = 1 / (1 - beta1^t), c2 = 1 / (1 - beta2^t)
///
/// w: weight, g: its gradient, m and s: the fast and the slow average of the gradients, v: the second moment, three
/// states, t: the number of the update, from 1 on. s has no bias correction. With alpha = 0, s is not stored, and the
/// rule is AdamW. Source: Pagliardini et al., arXiv 2409.03137, algorithm 1.
///
/// Schedules. alpha(t) = alpha min(t / alpha_steps, 1). beta3(t) goes from beta1 to beta3 in beta3_steps updates, such
/// that 1 / log(beta3(t)), and so the average's half-life, is a linear function of t; it is never above beta3. With 0
/// steps, alpha(t) = alpha and beta3(t) = beta3.
///
/// NaN and infinity, as in rule::adamw: an average whose beta is 0 does not depend on its old value; with a rate of 0,
/// w keeps its value. If the states are float, a finite gradient beyond +-1.8e19 / sqrt(1 - beta2) makes v infinite;
/// from then on (if beta2 is not 0) only weight decay changes w.
struct ademamix {
  double rate = 1e-3;                 ///< the learning rate, at least 0
  double beta1 = 0.9, beta2 = 0.999;  ///< in [0, 1)
  double beta3 = 0.9999;              ///< in [0, 1)
  double alpha = 2;                   ///< at least 0; the authors' code has 2, the paper's large models have 5 to 8
  double epsilon = 1e-8;              ///< at least 0; with 0, a weight whose moments are 0 becomes NaN, 0 / 0
  double weight_decay = 0;            ///< at least 0
  std::int64_t alpha_steps = 0;       ///< at least 0
  std::int64_t beta3_steps = 0;       ///< at least 0

  static constexpr const char* name = "ademamix";
  static constexpr int states = 3;
  static constexpr const char* state_names[] = {"fast", "second", "slow"};
  static constexpr bool non_negative[] = {false, true, false};
  bool keeps_state(int i) const { return i < 2 || alpha != 0; }

  template <class S>
  struct constants {
    S rate_fast, rate_slow;  // rate c1 and rate alpha(t), because c1 m and alpha s could overflow
    moment<S> first, second, slow;
    S epsilon, keep;     // keep: the factor of w, 1 - rate weight_decay
    S root_correction2;  // sqrt(c2), because c2 v can overflow where sqrt(c2) sqrt(v) does not
    S moves, alpha;      // 0 if the rate, or alpha, is 0, else 1

    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& m, pack<S, N>& v, pack<S, N>& s) const {
      m = first.mean(m, g);
      v = second.mean_square(v, g);
      auto change = m * rate_fast;
      if (alpha != S(0)) {
        s = slow.mean(s, g);
        change = fma(s, splat<N>(rate_slow), change);
      }
      if (moves != S(0)) w = w * keep - change / (sqrt(v) * root_correction2 + epsilon);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    const double now = rate * time.rate_factor;
    return {.rate_fast = S(now / (1 - whole_power(beta1, time.step))),
            .rate_slow = S(now * alpha * done(time.step, alpha_steps)),
            .first = moment<S>::of(beta1),
            .second = moment<S>::of(beta2),
            .slow = moment<S>::of(beta3_at(time.step)),
            .epsilon = S(epsilon),
            .keep = S(1 - now * weight_decay),
            .root_correction2 = S(1 / math::sqrt{}(1 - whole_power(beta2, time.step))),
            .moves = S(now != 0),
            .alpha = S(alpha != 0)};
  }

  template <class Check>
  void check(Check& check) const {
    check.at_least_0("rate", rate);
    check.share("beta1", beta1);
    check.share("beta2", beta2);
    check.share("beta3", beta3);
    check.at_least_0("alpha", alpha);
    check.at_least_0("epsilon", epsilon);
    check.at_least_0("weight_decay", weight_decay);
    check.at_least_0("alpha_steps", static_cast<double>(alpha_steps));
    check.at_least_0("beta3_steps", static_cast<double>(beta3_steps));
    check.at_least_0("rate / (1 - beta1), the factor of the fast average in the first update,", rate / (1 - beta1));
    check.at_least_0("rate alpha, the factor of the slow average,", rate * alpha);
  }

private:
  /// The part of a schedule of `all` updates that is done in update t: from 0 to 1.
  TILERY_SIMT static double done(std::int64_t t, std::int64_t all) {
    return t < all ? static_cast<double>(t) / static_cast<double>(all) : 1.0;
  }
  /// beta3 of update t.
  TILERY_SIMT double beta3_at(std::int64_t t) const {
    const double part = done(t, beta3_steps);
    if (part == 1 || beta1 >= beta3) return beta3;
    // 1 / log(0) = -0: with beta1 = 0 the half-life begins with 0.
    const double beta = math::exp{}(1 / ((1 - part) / math::log{}(beta1) + part / math::log{}(beta3)));
    return beta < beta3 ? beta : beta3;
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
