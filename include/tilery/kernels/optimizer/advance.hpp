// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernel that begins an update: it counts the update, computes the factor of the gradients (clipping, loss scale),
// and computes the constants of each group (the learning rate, bias corrections) into memory, where the update kernel
// reads them. So the host passes no number that changes from one
// update to the next, and a captured graph can be replayed.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/gradient_scaling.hpp>
#include <tilery/kernels/optimizer/update.hpp>

namespace tilery::inline TILERY_ABI {

/// The numbers of an optimizer that change from update to update, as indices of an array of double in the executor's
/// memory. A double counts exactly up to 2^53.
namespace optimizer_scalar {
enum index : int {
  step,          ///< updates made
  rate_factor,   ///< factor of all learning rates
  loss_scale,    ///< the gradients of the next update are those of the loss times this number
  good_updates,  ///< updates made since the loss scale last changed, or an update was skipped
  skipped,       ///< updates skipped
  scaled_norm,   ///< the norm of all gradients as they are in memory, if it is computed
  norm,          ///< the norm of the last update's gradients: unscaled, before clipping
  factor,        ///< by which the last update multiplied the gradients; 0 if it was skipped
  count
};
}  // namespace optimizer_scalar

template <class Rule, class S>
struct advance_params {
  /// The largest number of groups in one launch: those whose rules fit 24 KiB of arguments.
  static constexpr int most =
      static_cast<int>(24 * 1024 / sizeof(Rule)) < 256 ? static_cast<int>(24 * 1024 / sizeof(Rule)) : 256;
  static constexpr const char* name = Rule::name;

  Rule groups[most];
  std::int32_t size;                 // groups of this launch
  bool is_last;                      // of the launches of this update: it writes the number of the update
  gmem_ptr<double> scalars;          // see optimizer_scalar
  gmem_ptr<double> rule_scalars;     // of this launch's groups: scalars_of<Rule>() each
  gmem_ptr<std::int32_t> constants;  // of this launch's groups: an update_constants<Rule, S> each, as words
  S largest_gradient;
  gradient_scaling scaling;
};

/// One block; each lane computes the constants of some groups.
template <int Threads, class Params>
struct optimizer_advance;

template <int Threads, class Rule, class S>
struct optimizer_advance<Threads, advance_params<Rule, S>> {
  static constexpr const char* name = Rule::name;
  static constexpr int threads = Threads;
  static constexpr bool allows_one_lane = Threads == 1;
  using shared = no_shared;
  using params = advance_params<Rule, S>;
  using constants = update_constants<Rule, S>;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared&) {
    namespace scalar = optimizer_scalar;
    const double step = lane.load(p.scalars + scalar::step) + 1;
    const update_time time{static_cast<std::int64_t>(step), lane.load(p.scalars + scalar::rate_factor)};
    const gradient_scaling_state now{.loss_scale = lane.load(p.scalars + scalar::loss_scale),
                                     .good_updates = lane.load(p.scalars + scalar::good_updates),
                                     .skipped = lane.load(p.scalars + scalar::skipped)};
    const gradient_scaling_state next = p.scaling.next(now, lane.load(p.scalars + scalar::scaled_norm));
    for (int i = lane.rank(); i < p.size; i += threads) {
      const constants c{.apply = next.apply,
                        .step = static_cast<std::uint32_t>(time.step),
                        .gradient_factor = S(next.factor),
                        .largest_gradient = p.largest_gradient,
                        .rule = at(lane, p, i, time, next.apply)};
      store_words(lane, p.constants + std::int64_t{i} * words_of<constants>, c);
    }
    lane.sync_block();  // all lanes have read the scalars
    if (lane.rank() != 0 || !p.is_last) return;
    if (next.apply) lane.store(p.scalars + scalar::step, step);
    lane.store(p.scalars + scalar::loss_scale, next.loss_scale);
    lane.store(p.scalars + scalar::good_updates, next.good_updates);
    lane.store(p.scalars + scalar::skipped, next.skipped);
    lane.store(p.scalars + scalar::norm, next.norm);
    lane.store(p.scalars + scalar::factor, next.factor);
  }

private:
  /// Computes the constants of group i, and moves its scalars on by one update, unless the update is skipped.
  template <class Lane>
  TILERY_SIMT static auto at(Lane lane, const params& p, int i, const update_time& time, bool applies, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("compute the group's constants", at);
    constexpr int count = scalars_of<Rule>();
    double scalars[count + 1];
    TILERY_UNROLL
    for (int j = 0; j < count; ++j) scalars[j] = lane.load(p.rule_scalars + (i * count + j));
    const auto result = constants_at<S>(p.groups[i], time, scalars);
    TILERY_UNROLL
    for (int j = 0; j < count; ++j)
      if (applies) lane.store(p.rule_scalars + (i * count + j), scalars[j]);
    return result;
  }
};

}  // namespace tilery::inline TILERY_ABI
