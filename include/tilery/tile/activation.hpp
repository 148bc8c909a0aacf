// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activation functions f and their derivatives f', on packs of float or double. The epilogues and the ops activate and
// activate_backward use the same structs. A NaN input gives NaN; an infinite input gives the limit.
//
// Method. gelu, gelu_tanh and silu are computed from f(-|x|), which is small: f(x) = max(x, 0) + f(-|x|), and
// f'(x) = 1 - f'(-x). No subtraction cancels, and one formula without branches serves all x.
//
// Accuracy. The relative error of f and f' is at most b = 10 u, with u = 2^-24 for float and 2^-53 for double. For
// gelu_tanh it is at most b = (10 + 4 z) u, where z is the magnitude of the argument of its sigmoid. A result below the
// smallest normal number may instead have an absolute error of 3 times the smallest subnormal number (gelu_tanh: of b
// times the smallest normal number). f' of gelu, gelu_tanh and silu is 0 somewhere between x = -2 and x = 0: its error
// is relative to the sum of the magnitudes of its two terms. The largest measured error, over inputs of every power of
// two, is 5 u, and 8.6 u for gelu of double (tests/ops/activation_test.cpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/normal_tail.hpp>

namespace tilery::inline TILERY_ABI {

namespace activation {

/// Returns dy f'(x): the backward pass through an activation. An activation may define `gradient(x, dy)` itself. relu
/// does, because its derivative is 0 or 1: the product 0 * dy would be NaN for an infinite dy.
template <class Activation, class T, int N>
TILERY_SIMT pack<T, N> gradient_of(pack<T, N> x, pack<T, N> dy) {
  if constexpr (requires { Activation::gradient(x, dy); })
    return Activation::gradient(x, dy);
  else
    return dy * Activation::derivative(x);
}

/// y = x.
struct identity {
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return x;
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N>) {
    return splat<N>(T(1));
  }
};

/// y = max(x, 0); the derivative at 0 is 0.
struct relu {
  struct clip {
    template <class V>
    TILERY_SIMT V operator()(V x) const {
      return x < V{} ? V{} : x;
    }
  };
  struct choose {
    template <class V>
    TILERY_SIMT V operator()(V x, V dy) const {
      return x > V{} ? dy : (x == x ? V{} : x);
    }
  };
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return apply(clip{}, x);
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    return apply(choose{}, x, splat<N>(T(1)));
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> gradient(pack<T, N> x, pack<T, N> dy) {
    return apply(choose{}, x, dy);
  }
};

/// Returns f'(x) for an f with f'(-x) = 1 - f'(x); `below` is f'(-|x|).
template <class V>
TILERY_SIMT V mirrored(V x, V below) {
  return x < V{} ? below : math::scalar<V>(1) - below;
}

/// The factors of sigmoid(-z) = e / (1 + e) for z >= 0: e = e^-z, and rest = 1 / (1 + e), which is sigmoid(z).
template <class V>
struct sigmoid_tail {
  math::power_of_e<V> e;
  V rest;
  TILERY_SIMT explicit sigmoid_tail(V z)
      : e(math::split_exp(-z)), rest(math::reciprocal(e.value() + math::scalar<V>(1))) {}
};

/// A z from which on z e^-z is 0 in the number format of V.
template <class V>
inline constexpr int end_of_exp = math::single<V> ? 120 : 800;

/// y = x Phi(x) = x (1 + erf(x / sqrt(2))) / 2 (Hendrycks and Gimpel, arXiv 1606.08415).
struct gelu {
  struct curve {
    template <class V>
    TILERY_SIMT V operator()(V x) const {
      const math::normal_tail<V> tail(x);
      return relu::clip{}(x)-tail.bell.times(tail.a * tail.ratio);
    }
  };
  /// Phi(x) + x phi(x), where phi is the density of the normal distribution.
  struct slope {
    template <class V>
    TILERY_SIMT V operator()(V x) const {
      const math::normal_tail<V> tail(x);
      return mirrored(x, tail.bell.times(tail.ratio - tail.a * math::scalar<V>(0.39894228040143267794)));
    }
  };
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return apply(curve{}, x);
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    return apply(slope{}, x);
  }
};

/// y = 1 / (1 + e^-x).
struct sigmoid {
  struct curve {
    template <class V>
    TILERY_SIMT V operator()(V x) const {
      const sigmoid_tail<V> tail(math::limited_magnitude(x, end_of_exp<V>));
      const V below = tail.e.times(tail.rest);
      return x < V{} ? below : tail.rest;
    }
  };
  struct slope {
    template <class V>
    TILERY_SIMT V operator()(V x) const {
      const sigmoid_tail<V> tail(math::limited_magnitude(x, end_of_exp<V>));
      return tail.e.times(tail.rest * tail.rest);
    }
  };
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return apply(curve{}, x);
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    return apply(slope{}, x);
  }
};

/// y = x sigmoid(z(x)) for an odd function z. Gate computes z(a) and the derivative z'(a) at a = |x|; Gate::end is an a
/// from which on y is max(x, 0). The derivative of y is s + x s (1 - s) z'(x), with s = sigmoid(z(x)).
template <class Gate>
struct gated {
  struct curve {
    template <class V>
    TILERY_SIMT V operator()(V x) const {
      const V a = math::limited_magnitude(x, Gate::template end<V>);
      const sigmoid_tail<V> tail(Gate::z(a));
      return relu::clip{}(x)-tail.e.times(a * tail.rest);
    }
  };
  struct slope {
    template <class V>
    TILERY_SIMT V operator()(V x) const {
      const V a = math::limited_magnitude(x, Gate::template end<V>);
      const sigmoid_tail<V> tail(Gate::z(a));
      return mirrored(x, tail.e.times((math::scalar<V>(1) - a * Gate::slope(a) * tail.rest) * tail.rest));
    }
  };
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return apply(curve{}, x);
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    return apply(slope{}, x);
  }
};

/// z = 2 u with u = sqrt(2 / pi) (x + 0.044715 x^3).
struct tanh_gate {
  template <class V>
  static constexpr int end = math::single<V> ? 12 : 22;  // z(12) = 142, z(22) = 795
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

/// z = x.
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

/// y = x (1 + tanh(u)) / 2 = x sigmoid(2 u), with u = sqrt(2 / pi) (x + 0.044715 x^3): an approximation of `gelu` whose
/// absolute error is at most 5e-4 (Hendrycks and Gimpel, arXiv 1606.08415).
struct gelu_tanh : gated<tanh_gate> {};

/// y = x sigmoid(x), also called swish.
struct silu : gated<plain_gate> {};

/// y = tanh(x).
struct tanh {
  /// 1 - y^2 = 4 e / (1 + e)^2 with e = e^(-2 |x|).
  struct slope {
    template <class V>
    TILERY_SIMT V operator()(V x) const {
      const V z = math::limited_magnitude(x + x, end_of_exp<V>);
      const sigmoid_tail<V> tail(z);
      return tail.e.times(tail.rest * tail.rest * math::scalar<V>(4));
    }
  };
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return tilery::tanh(x);
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    return apply(slope{}, x);
  }
};

}  // namespace activation

}  // namespace tilery::inline TILERY_ABI
