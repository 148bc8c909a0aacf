// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The factor of the gradients in an update: division by the loss scale, clipping by the norm of all gradients, and the
// decision to skip an update whose gradients are not finite. One lane computes it in each update, in double.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// The numbers of a gradient_scaling that change from update to update. Counts are double, exact up to 2^53.
struct gradient_scaling_state {
  double loss_scale = 1;    // the gradients are those of the loss times this number
  double good_updates = 0;  // updates that were made since the loss scale last changed, or an update was skipped
  double skipped = 0;       // updates that were skipped
  double norm = 0;          // of the last update's gradients: unscaled, before clipping
  double factor = 1;        // of the last update's gradients; 0 if it was skipped
  bool apply = true;        // the last update was made
};

/// How the factor is computed.
struct gradient_scaling {
  double factor = 1;                       // of all gradients, for example 1 / number of micro-batches
  double largest_norm = __builtin_inf();   // the gradients are clipped to this norm; infinity: they are not
  double growth = 1, backoff = 1;          // factors of the loss scale
  double smallest = 1, largest = 0x1p127;  // of the loss scale: it is not changed beyond these numbers
  std::int32_t interval = 1;               // updates after which the loss scale grows
  bool scales = false;                     // there is a loss scale
  bool skips = false;                      // an update whose gradients are not finite is skipped

  /// Returns the state after an update. scaled_norm: the norm of the gradients as they are in memory, scaled by the
  /// loss scale; 0 if it was not computed.
  ///
  /// Clipping multiplies the gradients by min(1, largest_norm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ does,
  /// where norm is that of the unscaled gradients. If it is NaN, so is the factor; if it is infinite, the factor is 0.
  TILERY_SIMT gradient_scaling_state next(const gradient_scaling_state& now, double scaled_norm) const {
    gradient_scaling_state after = now;
    after.factor = scales ? factor / now.loss_scale : factor;
    after.norm = scaled_norm * after.factor;
    const bool finite = scaled_norm < __builtin_inf();  // false for NaN
    after.apply = finite || !skips;
    if (!after.apply) {
      after.factor = 0;
      after.skipped += 1;
      after.good_updates = 0;
      const double lower = now.loss_scale * backoff < smallest ? smallest : now.loss_scale * backoff;
      if (scales && lower < now.loss_scale) after.loss_scale = lower;
      return after;
    }
    if (largest_norm < __builtin_inf()) {
      const double clip = largest_norm / (after.norm + 1e-6);
      if (!(clip >= 1)) after.factor *= clip;
    }
    if (!scales) return after;
    after.good_updates += 1;
    if (after.good_updates >= interval) {
      after.good_updates = 0;
      if (now.loss_scale * growth <= largest) after.loss_scale = now.loss_scale * growth;
    }
    return after;
  }
};

}  // namespace tilery::inline TILERY_ABI
