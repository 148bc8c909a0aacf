// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Optimizers: one step over one tensor of weights, in one pass over memory.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/shape.hpp>
#include <tilery/core/wrong_call.hpp>
#include <tilery/kernels/optimizer/adam.hpp>
#include <tilery/kernels/optimizer/sgd.hpp>
#include <tilery/ops/elementwise.hpp>

#include <cmath>

namespace tilery::inline TILERY_ABI {

/// Settings of `sgd`.
struct sgd_options {
  double rate = 0.01;
  double momentum = 0;      ///< 0: no velocity is kept
  double weight_decay = 0;  ///< added to the gradient, times the weight
  bool nesterov = false;
};

/// Settings of `adam`. `step` counts from 1.
struct adam_options {
  double rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = true;  ///< weight decay shrinks the weights (AdamW); false: it is added to the gradient
  int step = 1;
};

namespace ops {

/// A dense tensor of any rank as one row.
template <class V>
auto as_row(const char* op, const char* name, const V& v, where at) {
  const auto whole = view(v, at);
  if (!whole.dense()) throw error({op, ": ", name, " has gaps between its elements; it must be dense"}, at);
  if (whole.size() > largest_extent)
    throw error({op, ": ", name, " has ", whole.size(), " elements; it must have at most ", largest_extent}, at);
  return matrix(whole.pointer, 1, static_cast<std::int32_t>(whole.size()));
}

inline void check_positive(const char* op, const char* name, double value, bool ok, const char* must, where at) {
  if (!ok) throw error({op, ": ", name, " is ", value, "; it must be ", must}, at);
}

}  // namespace ops

/// w -= rate v with v = momentum v + g and g = gradient + weight_decay w; Nesterov's form uses g + momentum v.
///
/// Weights and gradient: double, float, half, bf16; computed in the velocity's type, which is the accumulation type of
/// the weights (double for double, else float). Dense tensors of any rank and the same size; no two may share memory.
/// Start with a velocity of zeros. With momentum 0 the velocity may be an empty view.
template <runs_kernels Executor, tensor_of_floats W, tensor_of_floats G, tensor_of_any_rank V>
void sgd(const Executor& executor, const W& weights, const G& gradient, const V& velocity, sgd_options o,
         where at = {}) {
  using T = element_type_of<W>;
  using S = element_type_of<V>;
  using D = std::remove_const_t<element_type_of<G>>;
  static_assert(std::is_same_v<S, accumulator_t<T>>,
                "sgd: the velocity must have the accumulation type of the weights: double for double, else float");
  const auto w = ops::as_row("sgd", "weights", weights, at);
  const matrix_view<const D> g = ops::as_row("sgd", "gradient", gradient, at);
  auto v = ops::as_row("sgd", "velocity", velocity, at);
  ops::check_positive("sgd", "rate", o.rate, o.rate >= 0, "at least 0", at);
  ops::check_positive("sgd", "momentum", o.momentum, o.momentum >= 0, "at least 0", at);
  if (o.momentum == 0) v = {};
  operands all = {writes("weights", w), reads("gradient", g)};
  if (o.momentum != 0) all.push_back(writes("velocity", v));
  refuse(check_same_shape("sgd", all), at);
  if (auto found = check_aliases(all)) throw error({"sgd: ", found}, at);
  sgd_params<T, D, S> p{1,
                        w.extents[1],
                        for_kernel<T>(w),
                        for_kernel<const D>(g),
                        for_kernel<S>(v),
                        static_cast<S>(o.rate),
                        static_cast<S>(o.momentum),
                        static_cast<S>(o.weight_decay),
                        o.nesterov};
  ops::launch_elementwise<S>(executor, ops::describe_elements(16 / sizeof(S), w, g, v), p, all, at);
}

/// Without momentum.
template <runs_kernels Executor, tensor_of_floats W, tensor_of_floats G>
void sgd(const Executor& executor, const W& weights, const G& gradient, sgd_options o, where at = {}) {
  if (o.momentum != 0)
    throw error({"sgd: momentum is ", o.momentum,
                 " without a velocity; it needs a tensor like the weights, zeros at first"},
                at);
  sgd(executor, weights, gradient, vector_view<accumulator_t<element_type_of<W>>>(), o, at);
}

/// One step of Adam, or of AdamW where the weight decay is decoupled (the default); kernels/optimizer/adam.hpp has the
/// formulas. `first` and `second` are the moments, zeros at first.
///
/// Weights and gradient: double, float, half, bf16; moments and arithmetic in the accumulation type of the weights
/// (double for double, else float). Dense tensors of any rank and the same size; no two may share memory.
template <runs_kernels Executor, tensor_of_floats W, tensor_of_floats G, tensor_of_any_rank M, tensor_of_any_rank V>
void adam(const Executor& executor, const W& weights, const G& gradient, const M& first, const V& second,
          adam_options o, where at = {}) {
  using T = element_type_of<W>;
  using S = accumulator_t<T>;
  using D = std::remove_const_t<element_type_of<G>>;
  static_assert(std::is_same_v<element_type_of<M>, S> && std::is_same_v<element_type_of<V>, S>,
                "adam: both moments must have the accumulation type of the weights: double for double, else float");
  const auto w = ops::as_row("adam", "weights", weights, at);
  const matrix_view<const D> g = ops::as_row("adam", "gradient", gradient, at);
  const auto m = ops::as_row("adam", "first", first, at);
  const auto v = ops::as_row("adam", "second", second, at);
  ops::check_positive("adam", "rate", o.rate, o.rate >= 0, "at least 0", at);
  ops::check_positive("adam", "beta1", o.beta1, o.beta1 >= 0 && static_cast<S>(o.beta1) < 1,
                      "at least 0 and below 1, in the type of the moments, too", at);
  ops::check_positive("adam", "beta2", o.beta2, o.beta2 >= 0 && static_cast<S>(o.beta2) < 1,
                      "at least 0 and below 1, in the type of the moments, too", at);
  ops::check_positive("adam", "epsilon", o.epsilon, o.epsilon >= 0, "at least 0", at);
  ops::check_positive("adam", "step", o.step, o.step >= 1, "at least 1", at);
  const operands all = {writes("weights", w), reads("gradient", g), writes("first", m), writes("second", v)};
  refuse(check_same_shape("adam", all), at);
  if (auto found = check_aliases(all)) throw error({"adam: ", found}, at);
  const S decay = o.decoupled ? S(0) : static_cast<S>(o.weight_decay);
  const S keep = o.decoupled ? static_cast<S>(1 - o.rate * o.weight_decay) : S(1);
  adam_params<T, D, S> p{1,
                         w.extents[1],
                         for_kernel<T>(w),
                         for_kernel<const D>(g),
                         for_kernel<S>(m),
                         for_kernel<S>(v),
                         static_cast<S>(o.rate),
                         static_cast<S>(o.beta1),
                         static_cast<S>(o.beta2),
                         static_cast<S>(1 - o.beta1),
                         static_cast<S>(1 - o.beta2),
                         static_cast<S>(o.epsilon),
                         decay,
                         keep,
                         static_cast<S>(1 / (1 - std::pow(o.beta1, o.step))),
                         static_cast<S>(1 / (1 - std::pow(o.beta2, o.step)))};
  ops::launch_elementwise<S>(executor, ops::describe_elements(16 / sizeof(S), w, g, m, v), p, all, at);
}

/// A call that no overload above takes: a sentence (core/wrong_call.hpp).
template <class... Arguments>
void sgd(const Arguments&...) {
  ops::refuse_call<true, Arguments...>();
}
template <class Executor, class W, class G, class V>
void sgd(const Executor&, const W&, const G&, const V&, sgd_options, where = {}) {
  ops::refuse_call<true, Executor, W, G, V>();
}
template <class Executor, class W, class G>
void sgd(const Executor&, const W&, const G&, sgd_options, where = {}) {
  ops::refuse_call<true, Executor, W, G>();
}
template <class... Arguments>
void adam(const Arguments&...) {
  ops::refuse_call<true, Arguments...>();
}
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
