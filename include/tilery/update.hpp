// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sgd and adam: one update of one tensor of weights, in one pass over memory. The caller owns the states (velocity,
// moments) and counts the updates. tilery/optimizer.hpp updates all tensors of a network in one launch, and owns their
// states.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/kernels/optimizer/adam.hpp>
#include <tilery/kernels/optimizer/sgd.hpp>
#include <tilery/ops/update_tensor.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

/// Settings of `sgd`.
struct sgd_options {
  double rate = 0.01;       ///< at least 0; 0 leaves the weights as they are
  double momentum = 0;      ///< at least 0; with 0 the velocity is neither read nor written
  double weight_decay = 0;  ///< at least 0; weight_decay times the weight is added to the gradient
  bool nesterov = false;    ///< true: Nesterov's form of the step (see `sgd`)
};

/// Settings of `adam`.
struct adam_options {
  double rate = 1e-3;                 ///< at least 0; 0 leaves the weights as they are
  double beta1 = 0.9, beta2 = 0.999;  ///< in [0, 1)
  double epsilon = 1e-8;              ///< at least 0; with 0, a weight whose moments are 0 becomes NaN, 0 / 0
  double weight_decay = 0;            ///< at least 0
  bool decoupled = true;        ///< true: weight decay shrinks the weights (AdamW); false: it is added to the gradient
  int step = 1;                 ///< number of this step, from 1; for the bias correction
  bool bias_correction = true;  ///< false: the moments are used without correction, and `step` is not used
};

/// One step of gradient descent: w -= rate v with v = momentum v + g and g = gradient + weight_decay w. v is the
/// velocity. Nesterov's form subtracts rate (g + momentum v) instead of rate v.
///
/// Types. Weights and gradient: double, float, half, bf16. The velocity has the accumulation type of the weights
/// (double for double, else float), and the step is computed in it.
///
/// Shapes and aliasing. Dense tensors of any rank and the same size; no two may share memory. An extent is at most
/// `largest_extent`, about 2^31: a larger tensor must be a matrix or have more dimensions. The velocity must be 0
/// before the first step. With momentum = 0 the velocity may be an empty view.
///
/// Errors. Throws `error` before anything is launched: options out of their range, wrong shapes, gaps between elements,
/// null views, memory that the executor cannot reach, aliases.
template <executor Executor, tensor_of_floats W, tensor_of_floats G, tensor_of_any_rank V>
void sgd(const Executor& executor, const W& weights, const G& gradient, const V& velocity, sgd_options o,
         where at = {}) {
  static_assert(std::is_same_v<element_type_of<V>, accumulator_t<element_type_of<W>>>,
                "sgd: the velocity must have the accumulation type of the weights: double for double, else float");
  // A velocity that begins with zeros is the gradient after the first update: the number of the update does not matter.
  const rule::sgd rule{.rate = o.rate,
                       .momentum = o.momentum,
                       .weight_decay = o.weight_decay,
                       .nesterov = o.nesterov && o.momentum > 0};
  ops::update_tensor(executor, rule, {.step = 2}, weights, gradient, at, ops::named_state<V>{"velocity", velocity});
}

/// Computes the step without momentum and velocity: w -= rate g.
template <executor Executor, tensor_of_floats W, tensor_of_floats G>
void sgd(const Executor& executor, const W& weights, const G& gradient, sgd_options o, where at = {}) {
  if (o.momentum != 0)
    throw error({"sgd: momentum is ", o.momentum,
                 " without a velocity; the velocity must be a tensor of the weights' shape, initially zeros"},
                at);
  sgd(executor, weights, gradient, vector_view<accumulator_t<element_type_of<W>>>(), o, at);
}

/// One step of Adam, or of AdamW if the weight decay is decoupled (the default). kernels/optimizer/adam.hpp has the
/// formulas. `first` and `second` are the two moments; they must be 0 before the first step.
///
/// Types. Weights and gradient: double, float, half, bf16. The moments have the accumulation type of the weights
/// (double for double, else float), and the step is computed in it.
///
/// Shapes and aliasing. Dense tensors of any rank and the same size; no two may share memory.
///
/// NaN and infinity. If the moments are float, a finite gradient beyond +-1.8e19 / sqrt(1 - beta2) makes the second
/// moment of its weight infinite. From then on (if beta2 is not 0), only a decoupled weight decay changes this weight,
/// as long as the gradients are finite.
///
/// Errors. Throws `error` before anything is launched: options out of their range, wrong shapes, gaps between elements,
/// null views, memory that the executor cannot reach, aliases.
template <executor Executor, tensor_of_floats W, tensor_of_floats G, tensor_of_any_rank M, tensor_of_any_rank V>
void adam(const Executor& executor, const W& weights, const G& gradient, const M& first, const V& second,
          adam_options o, where at = {}) {
  using S = accumulator_t<element_type_of<W>>;
  static_assert(std::is_same_v<element_type_of<M>, S> && std::is_same_v<element_type_of<V>, S>,
                "adam: both moments must have the accumulation type of the weights: double for double, else float");
  if (o.step < 1) throw error({"adam: step is ", o.step, "; it must be at least 1"}, at);
  const rule::adam rule{.rate = o.rate,
                        .beta1 = o.beta1,
                        .beta2 = o.beta2,
                        .epsilon = o.epsilon,
                        .weight_decay = o.weight_decay,
                        .decoupled = o.decoupled,
                        .bias_correction = o.bias_correction};
  ops::update_tensor(executor, rule, {.step = o.step}, weights, gradient, at, ops::named_state<M>{"first", first},
                     ops::named_state<V>{"second", second});
}

/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void sgd(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class W, class G, class V>
void sgd(const Executor&, const W&, const G&, const V&, sgd_options, where = {}) {
  ops::refuse_call<true, Executor, W, G, V>();
}
template <class Executor, class W, class G>
void sgd(const Executor&, const W&, const G&, sgd_options, where = {}) {
  ops::refuse_call<true, Executor, W, G>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void adam(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class W, class G, class M, class V>
void adam(const Executor&, const W&, const G&, const M&, const V&, adam_options, where = {}) {
  ops::refuse_call<true, Executor, W, G, M, V>();
}
template <class Executor, class W, class G, class M>
void adam(const Executor&, const W&, const G&, const M&, adam_options, where = {}) {
  ops::refuse_call<true, Executor, W, G, M>();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
