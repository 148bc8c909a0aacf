// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rule of schedule-free AdamW, whose average of the weights replaces a schedule of the learning rate.
#pragma once
#pragma GCC system_header

#include <tilery/core/power.hpp>
#include <tilery/kernels/optimizer/moment.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// x = y + (1 / beta1 - 1) (y - z): the weights to evaluate a network with that rule::schedule_free_adamw trains. In
/// the place of w: x; in the place of g: y, the weights that are trained.
struct schedule_free_evaluation {
  double beta1;

  static constexpr const char* name = "schedule_free_adamw";
  static constexpr int states = 2;

  template <class S>
  struct constants {
    S factor;
    template <int N>
    TILERY_SIMT void update(pack<S, N>& x, pack<S, N> y, pack<S, N>& z, pack<S, N>&) const {
      x = fma(y - z, splat<N>(factor), y);
    }
  };
  template <class S>
  TILERY_SIMT constants<S> at(const update_time&) const {
    return {S(1 / beta1 - 1)};
  }
};

/// v = beta2 v + (1 - beta2) g^2
/// u = g / (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay y
/// y = (1 - c) y + c z - rate (1 - beta1 (1 - c)) u
/// z = z - rate u
///   c = e(t) / (e(1) + ... + e(t)), e(t) = t^average_power (the largest rate so far)^2
///
/// y: weight, the point at which the gradient g is computed, z: the weights of AdamW without momentum, v: the second
/// moment; z and v are states, t is the number of the update, from 1 on. z begins as a copy of y in the first update.
/// The sum of e and the largest rate are scalars of the group. Source: Defazio et al., arXiv 2405.15682, in the form of
/// the authors' code (facebookresearch/schedule_free, AdamWScheduleFree): the bias correction divides v.
///
/// Evaluation. The network must be evaluated with x, the average of z with the weights e, not with y. x is not stored:
/// y = (1 - beta1) z + beta1 x, so x = y + (1 / beta1 - 1) (y - z). optimizer::write_evaluation_weights computes it.
/// The training weights y stay as they are.
///
/// Warm-up. The rate factor of the optimizer can grow to 1 in the first updates; a schedule that decreases is not
/// needed.
///
/// NaN and infinity. If beta2 is 0, v does not depend on its old value; with a weight decay of 0, y does not change u;
/// if all rates so far are 0, y and z keep their values. If the states are float, a finite gradient beyond
/// +-1.8e19 / sqrt(1 - beta2) makes v infinite, and g's part of u 0.
struct schedule_free_adamw {
  double rate = 2.5e-3;      ///< the learning rate, at least 0
  double beta1 = 0.9;        ///< in (0, 1): the part of x in y
  double beta2 = 0.999;      ///< in [0, 1)
  double epsilon = 1e-8;     ///< at least 0; with 0, a weight whose second moment is 0 becomes NaN, 0 / 0
  double weight_decay = 0;   ///< at least 0
  double average_power = 0;  ///< in [0, 30]; above 0, later updates have a larger part in x

  static constexpr const char* name = "schedule_free_adamw";
  static constexpr int states = 2;
  static constexpr const char* state_names[] = {"z", "second"};
  static constexpr bool non_negative[] = {false, true};
  static constexpr int scalars = 2;  // the sum of e, and the largest rate
  schedule_free_evaluation evaluation() const { return {beta1}; }

  template <class S>
  struct constants {
    S rate, rate_y;  // of u in z, and in y
    moment<S> second;
    S epsilon, weight_decay;
    S root_correction2;  // sqrt(1 / (1 - beta2^t))
    S share;             // c
    S is_first;          // 1 in the first update, else 0

    template <int N>
    TILERY_SIMT void update(pack<S, N>& y, pack<S, N> g, pack<S, N>& z, pack<S, N>& v) const {
      if (is_first != S(0)) z = y;
      v = second.mean_square(v, g);
      auto u = g / (sqrt(v) * root_correction2 + epsilon);
      if (weight_decay != S(0)) u = fma(y, splat<N>(weight_decay), u);
      if (share != S(0)) y = fma(z - y, splat<N>(share), y);
      if (rate == S(0)) return;
      y = fma(u, splat<N>(-rate_y), y);
      z = fma(u, splat<N>(-rate), z);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time, double* scalars) const {
    const double now = rate * time.rate_factor;
    double &sum = scalars[0], &largest = scalars[1];
    if (now > largest) largest = now;
    double weight = largest * largest;
    if (average_power != 0) weight *= math::exp{}(average_power * math::log{}(static_cast<double>(time.step)));
    sum += weight;
    const double c = sum > 0 ? weight / sum : 0.0;
    return {.rate = S(now),
            .rate_y = S(now * (1 - beta1 * (1 - c))),
            .second = moment<S>::of(beta2),
            .epsilon = S(epsilon),
            .weight_decay = S(weight_decay),
            .root_correction2 = S(1 / math::sqrt{}(1 - whole_power(beta2, time.step))),
            .share = S(c),
            .is_first = S(time.step == 1)};
  }

  template <class Check>
  void check(Check& check) const {
    check.at_least_0("rate", rate);
    check.above_0("beta1", beta1);
    check.share("beta1", beta1);
    check.share("beta2", beta2);
    check.at_least_0("epsilon", epsilon);
    check.at_least_0("weight_decay", weight_decay);
    check.within("average_power", average_power, 0, 30);
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
