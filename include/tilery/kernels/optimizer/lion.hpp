// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rule Lion.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/moment.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// u = sign(beta1 m + (1 - beta1) g)
/// w = w - rate (u + weight_decay w)
/// m = beta2 m + (1 - beta2) g
///
/// w: weight, g: its gradient, m: the momentum, the only state. sign(0) = 0. Source: Chen et al., arXiv 2302.06675,
/// algorithm 2. The weight decay is decoupled. Because |u| is 1, the rate should be 3 to 10 times smaller than AdamW's,
/// and the weight decay as many times larger (section 5 there).
///
/// NaN and infinity. u, and so w, is NaN if m or g is NaN. An average whose beta is 0 does not depend on m. With a rate
/// of 0, w keeps its value. With rate weight_decay = 1, w is multiplied by 0, and an infinite w becomes NaN.
struct lion {
  double rate = 1e-4;                ///< the learning rate, at least 0
  double beta1 = 0.9, beta2 = 0.99;  ///< in [0, 1)
  double weight_decay = 0;           ///< at least 0

  static constexpr const char* name = "lion";
  static constexpr int states = 1;
  static constexpr const char* state_names[] = {"momentum"};

  template <class S>
  struct constants {
    S rate, keep;  // keep: the factor of w, 1 - rate weight_decay
    moment<S> first, second;

    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& m) const {
      if (rate != S(0)) w = fma(sign(first.mean(m, g)), splat<N>(-rate), w * keep);
      m = second.mean(m, g);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    const double now = rate * time.rate_factor;
    return {.rate = S(now),
            .keep = S(1 - now * weight_decay),
            .first = moment<S>::of(beta1),
            .second = moment<S>::of(beta2)};
  }

  template <class Check>
  void check(Check& check) const {
    check.at_least_0("rate", rate);
    check.share("beta1", beta1);
    check.share("beta2", beta2);
    check.at_least_0("weight_decay", weight_decay);
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
