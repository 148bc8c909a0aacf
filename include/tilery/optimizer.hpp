// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Optimizers: one step for one tensor of weights, in one pass over memory.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/shape.hpp>
#include <tilery/kernels/optimizer/adam.hpp>
#include <tilery/kernels/optimizer/sgd.hpp>
#include <tilery/ops/elementwise.hpp>
#include <tilery/ops/optimizer_checks.hpp>
#include <tilery/ops/wrong_call.hpp>

#include <cmath>

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
  using T = element_type_of<W>;
  using S = element_type_of<V>;
  using D = std::remove_const_t<element_type_of<G>>;
  static_assert(std::is_same_v<S, accumulator_t<T>>,
                "sgd: the velocity must have the accumulation type of the weights: double for double, else float");
  const std::int64_t columns = ops::row_length({"sgd: ", "weights"}, weights, at);
  const auto w = ops::as_rows("sgd", {"sgd: ", "weights"}, weights, columns, at);
  const matrix_view<const D> g = ops::as_rows("sgd", {"sgd: ", "gradient"}, gradient, columns, at);
  auto v = ops::as_rows("sgd", {"sgd: ", "velocity"}, velocity, columns, at);
  ops::check_positive<S>("sgd", "rate", o.rate, at);
  ops::check_positive<S>("sgd", "weight_decay", o.weight_decay, at);
  ops::check_positive<S>("sgd", "momentum", o.momentum, at);
  if (o.momentum == 0) v = {};
  operands all = {writes("weights", w), reads("gradient", g)};
  if (o.momentum != 0) all.push_back(writes("velocity", v));
  refuse(check_same_shape("sgd", all), at);
  refuse(check_call("sgd", all, executor.reachable()), at);
  sgd_params<T, D, S>
      p{w.extents[0],     w.extents[1],           for_kernel<T>(w),           for_kernel<const D>(g),
        for_kernel<S>(v), static_cast<S>(o.rate), static_cast<S>(o.momentum), static_cast<S>(o.weight_decay),
        o.nesterov};
  ops::launch_elementwise<S>(executor, ops::describe_elements(16 / sizeof(S), w, g, v), p, all, at);
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
  using T = element_type_of<W>;
  using S = accumulator_t<T>;
  using D = std::remove_const_t<element_type_of<G>>;
  static_assert(std::is_same_v<element_type_of<M>, S> && std::is_same_v<element_type_of<V>, S>,
                "adam: both moments must have the accumulation type of the weights: double for double, else float");
  const std::int64_t columns = ops::row_length({"adam: ", "weights"}, weights, at);
  const auto w = ops::as_rows("adam", {"adam: ", "weights"}, weights, columns, at);
  const matrix_view<const D> g = ops::as_rows("adam", {"adam: ", "gradient"}, gradient, columns, at);
  const auto m = ops::as_rows("adam", {"adam: ", "first"}, first, columns, at);
  const auto v = ops::as_rows("adam", {"adam: ", "second"}, second, columns, at);
  ops::check_positive<S>("adam", "rate", o.rate, at);
  ops::check_share<S>("adam", "beta1", o.beta1, at);
  ops::check_share<S>("adam", "beta2", o.beta2, at);
  ops::check_positive<S>("adam", "epsilon", o.epsilon, at);
  ops::check_positive<S>("adam", "weight_decay", o.weight_decay, at);
  if (o.step < 1) throw error({"adam: step is ", o.step, "; it must be at least 1"}, at);
  operands all = {writes("weights", w), reads("gradient", g), writes("first", m), writes("second", v)};
  refuse(check_same_shape("adam", all), at);
  refuse(check_call("adam", all, executor.reachable()), at);
  const S decay = o.decoupled ? S(0) : static_cast<S>(o.weight_decay);
  const S keep = o.decoupled ? static_cast<S>(1 - o.rate * o.weight_decay) : S(1);
  const auto correction = [&o](double beta) { return o.bias_correction ? 1 / (1 - std::pow(beta, o.step)) : 1.0; };
  const double rate = o.rate * correction(o.beta1);
  if (!is_finite<S>(rate))
    throw error({"adam: rate is ", o.rate, "; times the correction of the first moment it must be a finite ",
                 element<S>::name},
                at);
  adam_params<T, D, S> p{w.extents[0],
                         w.extents[1],
                         for_kernel<T>(w),
                         for_kernel<const D>(g),
                         for_kernel<S>(m),
                         for_kernel<S>(v),
                         static_cast<S>(rate),
                         static_cast<S>(o.beta1),
                         static_cast<S>(o.beta2),
                         static_cast<S>(1 - o.beta1),
                         static_cast<S>(1 - o.beta2),
                         static_cast<S>(o.epsilon),
                         decay,
                         keep,
                         static_cast<S>(std::sqrt(correction(o.beta2)))};
  ops::launch_elementwise<S>(executor, ops::describe_elements(16 / sizeof(S), w, g, m, v), p, all, at);
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
