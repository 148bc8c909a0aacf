// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activation functions f and their derivatives f'. The epilogues, and the ops `activate` and `activate_backward`, use
// the same structs. A NaN input gives NaN (except f' of identity, which is always 1). An infinite input gives the
// limit.
//
// To add an activation, write in this file, in this order:
//   1. the formula of f and its source in a comment, and a struct in namespace activation. If the accuracy differs from
//      the paragraph below, the comment says so.
//   2. `template <class V> TILERY_SIMT static V value(V x)`, which returns f(x). V is float or double, or in host code
//      (CPU and virtual GPU) a native vector of them. Therefore write a choice as `x < V{} ? a : b`, and a constant as
//      `math::scalar<V>(0.5)`.
//   3. `derivative(V x)` in the same way, which returns f'(x). If f' is 0 for some x and 1 for others, write
//      `gradient(V x, V dy)` instead, which returns 0, dy, or NaN for a NaN x: the product 0 * dy would be NaN for an
//      infinite dy.
//   4. the short name of its epilogue in namespace epilogue, at the end of the file.
// The activation then works in activate, activate_backward, epilogue::activate and epilogue::times_gradient. A program
// that uses the library writes its own activation in its own code, with steps 1 to 3 only. An activation of the library
// also needs tests: a formula in long double (`exact()`) and a `check` line in tests/ops/activation_test.cpp; formulas
// and rows in tests/epilogue_table.hpp; and rows in tests/ops/gemm_pairs.txt (tests/covering.sh prints the rows that
// are missing).
//
// Method. gelu, gelu_tanh and silu are computed from f(-|x|), whose magnitude is below 0.3: f(x) = max(x, 0) + f(-|x|).
// For x > 0, f'(x) = 1 - f'(-x). No subtraction in f loses digits by cancellation, and one formula without branches
// serves all x.
//
// Accuracy. u is the unit roundoff, 2^-24 for float and 2^-53 for double. The relative error of f and f' is at most
// 10 u; for gelu_tanh at most b = (10 + 4 |z|) u, where z = sqrt(8 / pi) (x + 0.044715 x^3). If the magnitude of the
// exact result is below the smallest normal number, the absolute error may instead be up to 3 times the smallest
// denormal number; for gelu_tanh, up to b times the smallest normal number.
//
// For gelu, gelu_tanh and silu, f' has a zero between x = -2 and x = 0. The error of their f' is therefore relative to
// the sum of the magnitudes of the two terms of f' (gelu: Phi(x) and x phi(x)), for all x. The largest measured error,
// over several inputs in every binade, denormals included, is 5 u, and 8.6 u for gelu of double
// (tests/ops/activation_test.cpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/normal_tail.hpp>
#include <tilery/core/tanh_erf.hpp>
#include <tilery/tile/activation_form.hpp>
#include <tilery/tile/sigmoid_tail.hpp>

namespace tilery::inline TILERY_ABI {

namespace activation {

/// y = x.
struct identity {
  template <class V>
  TILERY_SIMT static V value(V x) {
    return x;
  }
  template <class V>
  TILERY_SIMT static V derivative(V) {
    return math::all<V>(1);
  }
};

/// y = max(x, 0); the derivative at 0 is 0.
struct relu {
  template <class V>
  TILERY_SIMT static V value(V x) {
    return x < V{} ? V{} : x;
  }
  /// The backward pass: returns dy for x > 0, 0 for x <= 0 (even for an infinite dy), and NaN for a NaN x.
  template <class V>
  TILERY_SIMT static V gradient(V x, V dy) {
    return x > V{} ? dy : (x == x ? V{} : x);
  }
};

/// y = x Phi(x) = x (1 + erf(x / sqrt(2))) / 2, where Phi is the distribution function of the normal distribution
/// (Hendrycks and Gimpel, arXiv 1606.08415).
struct gelu {
  template <class V>
  TILERY_SIMT static V value(V x) {
    const math::normal_tail<V> tail(x);
    return relu::value(x) - tail.bell.times(tail.a * tail.ratio);
  }
  /// f'(x) = Phi(x) + x phi(x), where phi(x) = e^(-x^2 / 2) / sqrt(2 pi) is the density of the normal distribution.
  template <class V>
  TILERY_SIMT static V derivative(V x) {
    const math::normal_tail<V> tail(x);
    return mirrored(x, tail.bell.times(tail.ratio - tail.a * math::scalar<V>(0.39894228040143267794)));
  }
};

/// y = 1 / (1 + e^-x).
struct sigmoid {
  template <class V>
  TILERY_SIMT static V value(V x) {
    const sigmoid_tail<V> tail(math::limited_magnitude(x, end_of_exp<V>));
    const V below = tail.e.times(tail.rest);  // sigmoid(-|x|)
    return x < V{} ? below : tail.rest;
  }
  /// sigmoid(x) sigmoid(-x).
  template <class V>
  TILERY_SIMT static V derivative(V x) {
    const sigmoid_tail<V> tail(math::limited_magnitude(x, end_of_exp<V>));
    return tail.e.times(tail.rest * tail.rest);
  }
};

/// y = x sigmoid(z(x)) for an odd function z: the common code of gelu_tanh and silu. Gate::z(a) and Gate::slope(a)
/// compute z and its derivative z' at a = |x|. For |x| >= Gate::end, y rounds to max(x, 0).
///
/// The derivative of y is s + x s (1 - s) z'(x), with s = sigmoid(z(x)).
template <class Gate>
struct gated {
  template <class V>
  TILERY_SIMT static V value(V x) {
    const V a = math::limited_magnitude(x, Gate::template end<V>);
    const sigmoid_tail<V> tail(Gate::z(a));
    return relu::value(x) - tail.e.times(a * tail.rest);
  }
  template <class V>
  TILERY_SIMT static V derivative(V x) {
    const V a = math::limited_magnitude(x, Gate::template end<V>);
    const sigmoid_tail<V> tail(Gate::z(a));
    return mirrored(x, tail.e.times((math::scalar<V>(1) - a * Gate::slope(a) * tail.rest) * tail.rest));
  }
};

/// The z of gelu_tanh: z = sqrt(8 / pi) (x + 0.044715 x^3). In code, 0.79788... = sqrt(2 / pi).
struct tanh_gate {
  // z(12) = 142: e^-142 is 0 in float. z(22) = 795: e^-795 is 0 in double.
  template <class V>
  static constexpr int end = math::single<V> ? 12 : 22;
  template <class V>
  TILERY_SIMT static V z(V a) {
    using S = math::scalar<V>;
    return a * (a * a * S(2 * 0.79788456080286535588 * 0.044715) + S(2 * 0.79788456080286535588));
  }
  template <class V>
  TILERY_SIMT static V slope(V a) {
    using S = math::scalar<V>;
    return a * a * S(6 * 0.79788456080286535588 * 0.044715) + S(2 * 0.79788456080286535588);
  }
};

/// The z of silu: z = x.
struct plain_gate {
  template <class V>
  static constexpr int end = end_of_exp<V>;
  template <class V>
  TILERY_SIMT static V z(V a) {
    return a;
  }
  template <class V>
  TILERY_SIMT static V slope(V) {
    return math::all<V>(1);
  }
};

/// y = x (1 + tanh(z / 2)) / 2 = x sigmoid(z), with z = sqrt(8 / pi) (x + 0.044715 x^3): an approximation of `gelu`
/// whose absolute error is at most 5e-4 (Hendrycks and Gimpel, arXiv 1606.08415).
struct gelu_tanh : gated<tanh_gate> {};

/// y = x sigmoid(x), also called swish.
struct silu : gated<plain_gate> {};

/// y = tanh(x).
struct tanh {
  template <class V>
  TILERY_SIMT static V value(V x) {
    return math::tanh{}(x);
  }
  /// f'(x) = 1 - tanh(x)^2 = 4 q / (1 + q)^2 with q = e^(-2 |x|). In code, tail.e is q, and tail.rest is 1 / (1 + q).
  template <class V>
  TILERY_SIMT static V derivative(V x) {
    const V z = math::limited_magnitude(x + x, end_of_exp<V>);
    const sigmoid_tail<V> tail(z);
    return tail.e.times(tail.rest * tail.rest * math::scalar<V>(4));
  }
};

}  // namespace activation

namespace epilogue {

template <class Activation>
struct activate;  // defined in tile/epilogue_values.hpp

using relu = activate<activation::relu>;
using gelu = activate<activation::gelu>;
using gelu_tanh = activate<activation::gelu_tanh>;
using silu = activate<activation::silu>;
using sigmoid = activate<activation::sigmoid>;
using tanh = activate<activation::tanh>;

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
