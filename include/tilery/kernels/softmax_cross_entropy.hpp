// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cross-entropy between the softmax of each row of logits and a class label, and its gradient with respect to the
// logits, in one kernel that never writes the softmax. All executors run this code.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/policies/row.hpp>
#include <tilery/tile/softmax_sum.hpp>

namespace tilery::inline TILERY_ABI {

/// loss = log(sum e^x) - x[label] and dx = (softmax(x) - onehot(label)) scale, for each row x of the logits, where dx
/// is the same row of the gradient. Label is int32 or int64. For a label that is not a column (and not `ignored`), the
/// loss is NaN and dx = softmax(x) scale.
template <class T, class Label = std::int32_t>
struct softmax_cross_entropy_params {
  gmem_matrix<T> logits;              // (row, class)
  gmem_ptr<const Label> labels;       // (row)
  std::int64_t label_stride;          // in elements
  gmem_ptr<accumulator_t<T>> losses;  // (row)
  std::int64_t loss_stride;           // in elements
  gmem_matrix<T> gradient;            // (row, class); may be the logits; null: only losses are computed
  accumulator_t<T> scale;             // 0: the gradient is 0, even where logits are NaN or infinite
  std::int32_t ignored;               // a row with this label has loss 0 and gradient 0
};

template <row_policy P, class T, class Label = std::int32_t>
struct softmax_cross_entropy_kernel {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  using accumulator = accumulator_t<T>;
  static constexpr const char* name = "softmax_cross_entropy";
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = true;
  using shared = tile::row_slots<P, accumulator>;
  using params = softmax_cross_entropy_params<T, Label>;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    const tile::row_group<P, Lane> group{lane};
    for (int r = group.first_row(); r < group.end_row(p.logits.rows); r += group.groups) {
      const Label given = lane.load(p.labels + r * p.label_stride);
      // flat: the gradient of the row is 0, and its softmax is not needed.
      const bool ignored = given == p.ignored, flat = ignored || p.scale == accumulator(0);
      const int label = given >= 0 && given < p.logits.columns ? static_cast<int>(given) : -1;
      tile::row_values<P, T, accumulator, Lane> x(group, p.logits.row(r), p.logits.column_stride, p.logits.columns,
                                                  tile::no_maximum<accumulator>);
      const accumulator at_label = label_logit(lane, p, r, label);  // loaded before the gradient may overwrite it
      const auto row = tile::softmax_sum(group, x, smem.values);
      // After this barrier all lanes of the row have loaded the label's logit, which the gradient may overwrite. (If
      // the row has more lanes than a warp, the block barrier in softmax_sum() has ensured this already.)
      lane.sync_warp();
      if (group.rank() == 0)
        lane.store(p.losses + r * p.loss_stride,
                   ignored ? accumulator(0) : math::log{}(row.sum) + (row.maximum - at_label));
      if (p.gradient.data) {
        const accumulator factor = flat ? accumulator(0) : p.scale / row.sum;
        x.for_each([&](auto& values, int column, int inside) {
          auto dx = flat ? splat<x.vector>(accumulator(0)) : row.exponential(x, values) * factor;
          if (!flat && label >= column && label < column + inside) subtract(dx, label - column, p.scale);
          tile::write_row(lane, p.gradient.row(r), p.gradient.column_stride, column, inside, dx);
        });
      }
    }
  }

private:
  /// Returns logit `label` of row r, or NaN if the label is -1 (not a column), so that the loss of the row is NaN.
  template <class Lane>
  TILERY_SIMT static accumulator label_logit(Lane lane, const params& p, int r, int label) {
    if (label < 0) return static_cast<accumulator>(__builtin_nan(""));
    return convert<accumulator>(lane.load(p.logits.at(r, label)));
  }

  /// Subtracts `amount` from element `at`. It is a loop with a select, because an index that is known only at run time
  /// would force the pack from registers into local memory.
  template <int N>
  TILERY_SIMT static void subtract(pack<accumulator, N>& values, int at, accumulator amount) {
    TILERY_UNROLL
    for (int i = 0; i < N; ++i) values.set(i, i == at ? values[i] - amount : values[i]);
  }
};

}  // namespace tilery::inline TILERY_ABI
