// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses with their gradients.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/factor.hpp>
#include <tilery/core/shape.hpp>
#include <tilery/kernels/softmax_cross_entropy.hpp>
#include <tilery/ops/rows.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

/// Settings of `softmax_cross_entropy`.
struct cross_entropy_options {
  double scale = 1;    ///< factor of the gradient: 1 / rows for the mean loss; 0 makes it 0, even for NaN
  int ignored = -100;  ///< rows with this label have loss 0 and gradient 0
};

namespace ops {

template <class X, class L, class E, class G>
finding check_cross_entropy(const matrix_view<X>& logits, const vector_view<L>& labels, const vector_view<E>& losses,
                            const matrix_view<G>* gradient, memory_space reachable, operands& all) {
  using T = std::remove_const_t<X>;
  static_assert(is_float_type<T>, "softmax_cross_entropy: logits must be double, float, half or bf16");
  static_assert(std::is_same_v<std::remove_const_t<L>, std::int32_t> ||
                    std::is_same_v<std::remove_const_t<L>, std::int64_t>,
                "softmax_cross_entropy: labels must be int32 or int64");
  static_assert(std::is_same_v<E, accumulator_t<T>>,
                "softmax_cross_entropy: losses must have the accumulation type: double for double, else float");
  static_assert(std::is_same_v<G, T>,
                "softmax_cross_entropy: the gradient must have the element type of the logits, not const");
  const char* op = "softmax_cross_entropy";
  all = {reads("logits", logits), reads("labels", labels), writes("losses", losses)};
  if (auto found = check_length(op, all[1], logits.extents[0], "one for each row of the logits")) return found;
  if (auto found = check_length(op, all[2], logits.extents[0], "one for each row of the logits")) return found;
  if (gradient) {
    all.push_back(writes("gradient", *gradient));
    if (auto found = check_same_shape(op, {all[0], all[3]})) return found;
  }
  if (logits.extents[0] > 0 && logits.extents[1] == 0)
    return {op, ": logits have no columns; a row must have at least one class"};
  return check_call(op, all, reachable, {"logits"});
}

/// The kernel with labels of type Label, as a template of the policy and the element type: launch_rows() takes such a
/// template.
template <class Label>
struct cross_entropy_with {
  template <row_policy P, class T>
  using kernel = softmax_cross_entropy_kernel<P, T, Label>;
};

template <class Executor, class X, class L, class E, class G>
void cross_entropy(const Executor& executor, const matrix_view<X>& logits, const vector_view<L>& labels,
                   const vector_view<E>& losses, const matrix_view<G>* gradient, cross_entropy_options o, where at) {
  using T = std::remove_const_t<X>;
  using label = std::remove_const_t<L>;
  operands all;
  refuse(check_finite<E>("softmax_cross_entropy", "scale", o.scale), at);
  refuse(check_cross_entropy(logits, labels, losses, gradient, executor.reachable(), all), at);
  softmax_cross_entropy_params<T, label> p{for_kernel<T>(logits),
                                           gmem_ptr<const label>(labels.pointer),
                                           labels.strides[0],
                                           gmem_ptr<E>(losses.pointer),
                                           losses.strides[0],
                                           gradient ? for_kernel<T>(*gradient) : gmem_matrix<T>{},
                                           static_cast<E>(o.scale),
                                           o.ignored};
  const row_problem problem =
      gradient ? describe_rows(widest_access<T>, logits, *gradient) : describe_rows(widest_access<T>, logits);
  launch_rows<cross_entropy_with<label>::template kernel, T>(executor, problem, p, all, at);
}

}  // namespace ops

/// Cross-entropy of softmax(logits) against labels, with its gradient, in one launch. Logits: rows x classes.
/// losses[i] = log(sum over j of e^logits[i, j]) - logits[i, labels[i]], gradient = (softmax(logits) - onehot(labels))
/// * scale.
///
/// Types. Logits: double, float, half, bf16; the gradient has the same type. Losses: the accumulation type (double for
/// double, else float). Labels: int32 or int64. If a label is neither `ignored` nor the index of a column, the loss
/// of its row is NaN, and the gradient of the row is its softmax times scale.
///
/// Strides and aliasing. Any strides that are not negative. The gradient may be exactly the same view as the logits.
///
/// Accuracy. Let m be the largest logit of a row. The relative error of s, the sum of e^(logits[i, j] - m) over the
/// row, is at most the bound that `softmax` states for y_j with x_j = m. The loss is log(s) + m - logits[i, labels[i]].
///
/// NaN and infinity. A row that contains NaN or +infinity, or consists of -infinity alone, has a NaN loss and gradient,
/// unless its label is `ignored`. With a scale of 0 the gradient is 0 even then. In any other row, a logit of -infinity
/// at the label makes the loss +infinity.
///
/// Determinism. As for `softmax`.
///
/// Errors. Throws `error` before anything is launched: a scale that is not finite, wrong shapes, null views, negative
/// strides, memory that the executor cannot reach, aliases.
template <executor Executor, matrix_of_floats X, tensor_like<1> L, tensor_like<1> E, matrix_of_floats G>
void softmax_cross_entropy(const Executor& executor, const X& logits, const L& labels, const E& losses,
                           const G& gradient, cross_entropy_options o = {}, where at = {}) {
  const char* op = "softmax_cross_entropy: ";
  const auto g = view(gradient, at, {op, "gradient"});
  ops::cross_entropy(executor, view(logits, at, {op, "logits"}), view(labels, at, {op, "labels"}),
                     view(losses, at, {op, "losses"}), &g, o, at);
}

/// Computes the losses without the gradient.
template <executor Executor, matrix_of_floats X, tensor_like<1> L, tensor_like<1> E>
void softmax_cross_entropy(const Executor& executor, const X& logits, const L& labels, const E& losses,
                           cross_entropy_options o = {}, where at = {}) {
  using T = std::remove_const_t<element_type_of<X>>;
  const char* op = "softmax_cross_entropy: ";
  ops::cross_entropy(executor, view(logits, at, {op, "logits"}), view(labels, at, {op, "labels"}),
                     view(losses, at, {op, "losses"}), static_cast<const matrix_view<T>*>(nullptr), o, at);
}

/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void softmax_cross_entropy(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class L, class E, class G>
void softmax_cross_entropy(const Executor&, const X&, const L&, const E&, const G&, cross_entropy_options, where = {}) {
  ops::refuse_call<true, Executor, X, L, E, G>();
}
template <class Executor, class X, class L, class E>
void softmax_cross_entropy(const Executor&, const X&, const L&, const E&, cross_entropy_options, where = {}) {
  ops::refuse_call<true, Executor, X, L, E>();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
