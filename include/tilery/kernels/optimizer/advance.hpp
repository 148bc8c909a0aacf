// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernel that begins an update: it counts the update and computes the constants of each group (the learning rate,
// bias corrections) into memory, where the update kernel reads them. So the host passes no number that changes from one
// update to the next, and a captured graph can be replayed.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/update.hpp>

namespace tilery::inline TILERY_ABI {

/// The numbers of an optimizer that change from update to update, as indices of an array of double in the executor's
/// memory. A double counts exactly up to 2^53.
namespace optimizer_scalar {
enum index : int {
  step,         ///< updates made
  rate_factor,  ///< factor of all learning rates
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
    for (int i = lane.rank(); i < p.size; i += threads) {
      const constants c{.step = static_cast<std::uint32_t>(time.step),
                        .largest_gradient = p.largest_gradient,
                        .rule = at(lane, p, i, time)};
      store_words(lane, p.constants + std::int64_t{i} * words_of<constants>, c);
    }
    lane.sync_block();  // all lanes have read the number of the step
    if (lane.rank() == 0 && p.is_last) lane.store(p.scalars + scalar::step, step);
  }

private:
  /// Computes the constants of group i, and moves its scalars on by one update.
  template <class Lane>
  TILERY_SIMT static auto at(Lane lane, const params& p, int i, const update_time& time, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("compute the group's constants", at);
    constexpr int count = scalars_of<Rule>();
    double scalars[count + 1];
    TILERY_UNROLL
    for (int j = 0; j < count; ++j) scalars[j] = lane.load(p.rule_scalars + (i * count + j));
    const auto result = constants_at<S>(p.groups[i], time, scalars);
    TILERY_UNROLL
    for (int j = 0; j < count; ++j) lane.store(p.rule_scalars + (i * count + j), scalars[j]);
    return result;
  }
};

}  // namespace tilery::inline TILERY_ABI
