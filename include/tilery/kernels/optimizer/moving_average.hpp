// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The exponential moving average of a network's weights, as an update rule.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/moment.hpp>
#include <tilery/kernels/optimizer/rule.hpp>

namespace tilery::inline TILERY_ABI {

namespace rule {

/// w = g in the first update, then w = decay w + (1 - decay) g
///
/// w: the average, g: the weights of the network that is trained. An optimizer with this rule has the averages in the
/// place of the weights, and the network's weights in the place of the gradients: parameter("w", average, weights). Its
/// step() follows that of the optimizer that trains the network. No states. The first update copies the weights; the
/// averages then need no values before. Source: Polyak and Juditsky, SIAM J. Control Optim. 30 (1992), with exponential
/// weights, as torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn. The rate factor is not used.
///
/// Types. (1 - decay) g is below half of the spacing of half or bf16 averages soon: give float averages of half or bf16
/// weights, or let the optimizer keep masters of the averages (narrow_weights::masters).
///
/// NaN and infinity. In the first update, and with a decay of 0, w does not depend on its old value.
struct moving_average {
  double decay = 0.999;  ///< in [0, 1)

  static constexpr const char* name = "moving_average";
  static constexpr int states = 0;

  template <class S>
  struct constants {
    moment<S> average;

    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g) const {
      w = average.mean(w, g);
    }
  };

  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    return {moment<S>::of(time.step > 1 ? decay : 0.0)};
  }

  template <class Check>
  void check(Check& check) const {
    check.share("decay", decay);
  }
};

}  // namespace rule

}  // namespace tilery::inline TILERY_ABI
