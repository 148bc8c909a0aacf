// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rules Adam, AdamW and AMSGrad.
#pragma once
#pragma GCC system_header

#include <tilery/core/power.hpp>
#include <tilery/kernels/optimizer/moment.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g^2
/// w = w - rate c1 m / (sqrt(c2 v) + epsilon)
///
/// w: weight, g: its gradient, m and v: the first and second moments, two states.
///
/// Bias correction. c1 = 1 / (1 - beta1^t) and c2 = 1 / (1 - beta2^t), where t is the number of the update, from 1 on
/// (Kingma and Ba, arXiv 1412.6980, algorithm 1). Without bias correction both are 1.
///
/// Weight decay. Adam adds weight_decay w to g. AdamW, the decoupled form, first multiplies w by 1 - rate weight_decay
/// (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2).
///
/// AMSGrad. A third state keeps the largest v so far, without bias correction; it replaces v in the formula of w (Reddi
/// et al., ICLR 2018; as in torch.optim.Adam).
///
/// NaN and infinity. A moment whose beta is 0 does not depend on its old value. With a weight decay of 0, w does not
/// change g; with a rate of 0, w keeps its value. Therefore none of these factors, if it is 0, makes a NaN of an
/// infinite value. There is one exception: in AdamW with rate weight_decay = 1, w is multiplied by 0, and an infinite w
/// becomes NaN. If the moments are float, a finite gradient beyond +-1.8e19 / sqrt(1 - beta2) makes v infinite; from
/// then on (if beta2 is not 0) only decoupled weight decay changes w, as long as the gradients are finite.
struct adam {
  double rate = 1e-3;                 ///< the learning rate, at least 0
  double beta1 = 0.9, beta2 = 0.999;  ///< in [0, 1)
  double epsilon = 1e-8;              ///< at least 0; with 0, a weight whose moments are 0 becomes NaN, 0 / 0
  double weight_decay = 0;            ///< at least 0
  bool decoupled = false;             ///< true: weight decay as in AdamW
  bool amsgrad = false;
  bool bias_correction = true;

  static constexpr const char* name = "adam";
  static constexpr int states = 3;
  static constexpr const char* state_names[] = {"first", "second", "largest_second"};
  static constexpr bool non_negative[] = {false, true, true};
  bool keeps_state(int i) const { return i < 2 || amsgrad; }

  template <class S>
  struct constants {
    S rate;  // the formula's rate times c1, because m c1 could overflow
    moment<S> first, second;
    // keep: the factor of w. In Adam it is 1. In AdamW it is 1 - rate weight_decay, and weight_decay below is 0.
    S epsilon, weight_decay, keep;
    S root_correction2;  // sqrt(c2), because v c2 can overflow where sqrt(v) sqrt(c2) does not
    S amsgrad;           // 0 or 1

    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& m, pack<S, N>& v, pack<S, N>& largest) const {
      if (weight_decay != S(0)) g = fma(w, splat<N>(weight_decay), g);
      m = first.mean(m, g);
      v = second.mean_square(v, g);
      auto square = v;
      if (amsgrad != S(0)) largest = square = apply(larger_or_nan{}, largest, v);
      if (rate == S(0)) return;
      const auto change = m / (sqrt(square) * root_correction2 + epsilon);
      w = fma(change, splat<N>(-rate), w * keep);
    }

    /// The larger of a and b; NaN if either is NaN, as in PyTorch.
    struct larger_or_nan {
      template <class V>
      TILERY_SIMT V operator()(V a, V b) const {
        const V larger = a > b ? a : b;  // b, if b is NaN
        return a == a ? larger : a;
      }
    };
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    const double now = rate * time.rate_factor;
    const double c1 = bias_correction ? 1 / (1 - whole_power(beta1, time.step)) : 1.0;
    const double c2 = bias_correction ? 1 / (1 - whole_power(beta2, time.step)) : 1.0;
    return {.rate = S(now * c1),
            .first = moment<S>::of(beta1),
            .second = moment<S>::of(beta2),
            .epsilon = S(epsilon),
            .weight_decay = decoupled ? S(0) : S(weight_decay),
            .keep = decoupled ? S(1 - now * weight_decay) : S(1),
            .root_correction2 = S(math::sqrt{}(c2)),
            .amsgrad = S(amsgrad)};
  }

  template <class Check>
  void check(Check& check) const {
    check.at_least_0("rate", rate);
    check.share("beta1", beta1);
    check.share("beta2", beta2);
    check.at_least_0("epsilon", epsilon);
    check.at_least_0("weight_decay", weight_decay);
    if (bias_correction)
      check.at_least_0("rate / (1 - beta1), the factor of the first moment in the first update,", rate / (1 - beta1));
  }
};

/// Adam with decoupled weight decay: rule::adam with `decoupled`, and PyTorch's default of the weight decay
/// (torch.optim.AdamW).
struct adamw {
  double rate = 1e-3;                 ///< as in rule::adam
  double beta1 = 0.9, beta2 = 0.999;  ///< as in rule::adam
  double epsilon = 1e-8;              ///< as in rule::adam
  double weight_decay = 0.01;         ///< at least 0
  bool amsgrad = false;
  bool bias_correction = true;

  static constexpr const char* name = "adamw";
  static constexpr int states = adam::states;
  static constexpr const char* state_names[] = {"first", "second", "largest_second"};
  static constexpr bool non_negative[] = {false, true, true};
  bool keeps_state(int i) const { return i < 2 || amsgrad; }

  template <class S>
  using constants = adam::constants<S>;
  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    return as_adam().template at<S>(time);
  }
  template <class Check>
  void check(Check& check) const {
    as_adam().check(check);
  }

private:
  TILERY_SIMT adam as_adam() const {
    return {.rate = rate,
            .beta1 = beta1,
            .beta2 = beta2,
            .epsilon = epsilon,
            .weight_decay = weight_decay,
            .decoupled = true,
            .amsgrad = amsgrad,
            .bias_correction = bias_correction};
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
