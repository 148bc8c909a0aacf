// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The settings of an optimizer besides its rule: narrow weights, clipping and loss scaling; and their checks.
#pragma once
#pragma GCC system_header

#include <tilery/core/factor.hpp>
#include <tilery/kernels/optimizer/gradient_scaling.hpp>

#include <cstdint>
#include <limits>
#include <optional>

namespace tilery::inline TILERY_ABI {

/// How an optimizer keeps weights whose type (half, bf16) is narrower than the accumulation type.
enum class narrow_weights : int {
  masters,     ///< float master weights are updated, and rounded to the weights: no update is lost
  stochastic,  ///< the weights alone, rounded at random (core/stochastic_round.hpp): an update is right on average
  nearest      ///< the weights alone, rounded to nearest: an update below half of the weights' spacing is lost
};

/// A loss scale that follows the gradients. The caller multiplies the gradient of the loss by the scale
/// (optimizer::loss_scale), so that small gradients do not underflow in half; the optimizer divides the gradients of
/// the weights by it. An update whose gradients are not finite is skipped, and the scale is multiplied by `backoff`;
/// after `interval` updates without a skip it is multiplied by `growth`. The scale never leaves [smallest, 2^127].
/// (Micikevicius et al., arXiv 1710.03740; the defaults of torch.amp.GradScaler, which has no smallest scale.)
///
/// A fixed loss scale has growth = backoff = 1.
struct dynamic_loss_scale {
  double initial = 65536;  ///< at least `smallest`, at most 2^127
  double growth = 2;       ///< at least 1
  double backoff = 0.5;    ///< above 0, at most 1
  int interval = 2000;     ///< at least 1
  double smallest = 1;     ///< at least 2^-126
};

/// Settings of an `optimizer`.
///
/// Order. An update divides the gradients by the loss scale, multiplies them by gradient_factor, clips them by the norm
/// of all gradients (largest_norm), and then by value (largest_gradient).
struct optimizer_options {
  narrow_weights narrow = narrow_weights::masters;  ///< not used if the weights are float or double
  std::uint64_t seed = 0;                           ///< of stochastic rounding
  /// Each element of a gradient is limited to +- this number (clipping by value); above 0. NaN stays NaN.
  double largest_gradient = std::numeric_limits<double>::infinity();
  /// Each gradient is multiplied by this number; above 0 and finite. If gradients are accumulated over n micro-batches
  /// (by a GEMM with beta = 1, for example), 1 / n gives their mean.
  double gradient_factor = 1;
  /// The gradients are clipped by their norm: if the Euclidean norm of all gradients together is larger, they are
  /// multiplied by largest_norm / (norm + 1e-6), as torch.nn.utils.clip_grad_norm_ does; above 0. Infinity: no
  /// clipping.
  ///
  /// NaN and infinity. If the norm is NaN, all gradients become NaN. If it is infinite, finite gradients become 0, and
  /// infinite ones NaN, as in PyTorch. Loss scaling and skip_not_finite skip such an update instead.
  double largest_norm = std::numeric_limits<double>::infinity();
  /// An update whose gradients have a norm that is not finite is skipped: no weight, state or number of updates
  /// changes, and optimizer::skipped counts it. Loss scaling implies this.
  bool skip_not_finite = false;
  /// Compute the norm of all gradients for optimizer::norm, also if nothing else needs it.
  bool measure_norm = false;
  std::optional<dynamic_loss_scale> loss_scaling = std::nullopt;  ///< see dynamic_loss_scale

  /// True if each update computes the norm of all gradients.
  bool needs_norm() const {
    return largest_norm < std::numeric_limits<double>::infinity() || skip_not_finite || measure_norm || loss_scaling;
  }
};

namespace ops {

/// Returns a sentence about the first option outside of its domain. S is the type in which an update is computed.
template <class S>
finding check_options(const char* op, const optimizer_options& o) {
  if (!(o.largest_gradient > 0)) return {op, ": largest_gradient is ", o.largest_gradient, "; it must be above 0"};
  if (!(static_cast<S>(o.gradient_factor) > 0 && is_finite<S>(o.gradient_factor)))
    return {op, ": gradient_factor is ", o.gradient_factor, "; it must be above 0 and a finite ", element<S>::name};
  if (!(o.largest_norm > 0)) return {op, ": largest_norm is ", o.largest_norm, "; it must be above 0"};
  if (!o.loss_scaling) return {};
  const auto& scale = *o.loss_scaling;
  const sentence prefix(op, ": loss_scaling");
  const double largest = gradient_scaling{}.largest;
  if (!(scale.smallest >= 0x1p-126 && scale.smallest <= largest))
    return {prefix, ".smallest is ", scale.smallest, "; it must be from 2^-126 to 2^127"};
  if (!(scale.initial >= scale.smallest && scale.initial <= largest))
    return {sentence(prefix, ".initial is ", scale.initial), "; it must be at least ", scale.smallest,
            ", the smallest scale, and at most 2^127"};
  if (!(scale.growth >= 1 && scale.growth <= largest))
    return {prefix, ".growth is ", scale.growth, "; it must be from 1 to 2^127"};
  if (!(scale.backoff > 0 && scale.backoff <= 1))
    return {prefix, ".backoff is ", scale.backoff, "; it must be above 0 and at most 1"};
  if (scale.interval < 1) return {prefix, ".interval is ", scale.interval, "; it must be at least 1"};
  return {};
}

/// Returns the options as the kernel of optimizer_advance reads them.
inline gradient_scaling scaling_of(const optimizer_options& o) {
  gradient_scaling s{.factor = o.gradient_factor,
                     .largest_norm = o.largest_norm,
                     .scales = o.loss_scaling.has_value(),
                     .skips = o.skip_not_finite || o.loss_scaling};
  if (o.loss_scaling) {
    s.growth = o.loss_scaling->growth, s.backoff = o.loss_scaling->backoff;
    s.smallest = o.loss_scaling->smallest, s.interval = o.loss_scaling->interval;
  }
  return s;
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
