// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rule RMSprop.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/moment.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// g = gradient + weight_decay w
/// v = alpha v + (1 - alpha) g^2
/// a = alpha a + (1 - alpha) g                          only if centered
/// u = g / (sqrt(v) + epsilon), or, if centered, u = g / (sqrt(max(v - a^2, 0)) + epsilon)
/// b = momentum b + u
/// w = w - rate b
///
/// w: weight, v: the mean square, a: the mean, b: the velocity, up to three states; with momentum = 0, b = u is not
/// stored. Sources: Tieleman and Hinton, Coursera lecture 6.5, 2012; centered: Graves, arXiv 1308.0850, equation 38; in
/// PyTorch's form (torch.optim.RMSprop), with epsilon outside of the root.
///
/// Centered. v - a^2 is a variance, but rounding can make it negative; it is then replaced by 0. (PyTorch takes the
/// root of the negative number: NaN.)
///
/// NaN and infinity. With alpha = 0, v and a do not depend on their old values; with a weight decay of 0, w does not
/// change g; with a rate of 0, w keeps its value. If the states are float, a finite gradient beyond
/// +-1.8e19 / sqrt(1 - alpha) makes v infinite: u is then 0, but if centered, and a^2 is infinite, too, it is NaN.
struct rmsprop {
  double rate = 0.01;       ///< the learning rate, at least 0
  double alpha = 0.99;      ///< in [0, 1)
  double epsilon = 1e-8;    ///< at least 0; with 0, a weight whose v is 0 becomes NaN, 0 / 0
  double weight_decay = 0;  ///< at least 0; weight_decay times the weight is added to the gradient
  double momentum = 0;      ///< at least 0
  bool centered = false;

  static constexpr const char* name = "rmsprop";
  static constexpr int states = 3;
  static constexpr const char* state_names[] = {"square", "mean", "velocity"};
  static constexpr bool non_negative[] = {true, false, false};
  bool keeps_state(int i) const { return i == 0 || (i == 1 ? centered : momentum != 0); }

  template <class S>
  struct constants {
    S rate, epsilon, weight_decay, momentum;
    moment<S> average;
    S centered;  // 0 or 1

    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& v, pack<S, N>& a, pack<S, N>& b) const {
      if (weight_decay != S(0)) g = fma(w, splat<N>(weight_decay), g);
      v = average.mean_square(v, g);
      auto variance = v;
      if (centered != S(0)) {
        a = average.mean(a, g);
        variance = apply(not_below_0{}, v - a * a);
      }
      auto u = g / (sqrt(variance) + epsilon);
      if (momentum != S(0)) b = u = fma(b, splat<N>(momentum), u);
      if (rate != S(0)) w = fma(u, splat<N>(-rate), w);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    return {.rate = S(rate * time.rate_factor),
            .epsilon = S(epsilon),
            .weight_decay = S(weight_decay),
            .momentum = S(momentum),
            .average = moment<S>::of(alpha),
            .centered = S(centered)};
  }

  template <class Check>
  void check(Check& check) const {
    check.at_least_0("rate", rate);
    check.share("alpha", alpha);
    check.at_least_0("epsilon", epsilon);
    check.at_least_0("weight_decay", weight_decay);
    check.at_least_0("momentum", momentum);
  }

private:
  /// The larger of x and 0; NaN stays NaN.
  struct not_below_0 {
    template <class V>
    TILERY_SIMT V operator()(V x) const {
      return x < V{} ? V{} : x;
    }
  };
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
