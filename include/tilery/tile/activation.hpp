// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activations and their derivatives, on packs of float or double. Each is a named struct that epilogues and the
// activation ops share. NaN stays NaN; the values at infinity are the limits.
//
// gelu, gelu_tanh and silu are computed from their values at -|x|, which are small: y(x) = max(x, 0) + y(-|x|), and
// y'(x) = 1 - y'(-x). Nothing that cancels is subtracted, and all x have one form without branches.
//
// Accuracy. The relative error of values and derivatives is at most 10 u, u = 2^-24 (2^-53 for double); of gelu_tanh at
// most (10 + 4 z) u, where z is the magnitude of its sigmoid's argument. Results that are not normal numbers may differ
// by 3 of the smallest denormals instead (of gelu_tanh by as much as the bound of the smallest normal number allows).
// The derivatives of gelu, gelu_tanh and silu change their sign between -2 and 0: their error is relative to the sum of
// the magnitudes of their two terms. Measured over all powers of two: 5 u, gelu of double 8.6 u
// (tests/ops/activation_test.cpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/normal_tail.hpp>

namespace tilery::inline TILERY_ABI {

namespace activation {

/// dy f'(x): the backward pass through an activation. An activation whose derivative chooses, 0 or 1, has a `gradient`
/// of its own, so that an infinite dy does not become NaN where it is not chosen.
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

/// f'(x) where f'(-x) = 1 - f'(x), from f'(-|x|).
template <class V>
TILERY_SIMT V mirrored(V x, V below) {
  return x < V{} ? below : math::scalar<V>(1) - below;
}

/// e = e^-z for z >= 0, and 1 / (1 + e): sigmoid(-z) = e / (1 + e).
template <class V>
struct sigmoid_tail {
  math::power_of_e<V> e;
  V rest;
  TILERY_SIMT explicit sigmoid_tail(V z)
      : e(math::split_exp(-z)), rest(math::reciprocal(e.value() + math::scalar<V>(1))) {}
};

/// Where z e^-z is 0 in the number format.
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
  /// Phi(x) + x phi(x), with phi the density of the normal distribution.
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

/// y = x sigmoid(z(x)) for an odd z: Gate has z at a = |x| and its derivative there, and the a from which on y is
/// max(x, 0). The derivative is s + x s (1 - s) z'(x).
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
  static constexpr int end = math::single<V> ? 12 : 22;  // z = 142 and 795
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

/// y = x (1 + tanh(u)) / 2 = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3): the approximation of `gelu` by
/// tanh, within 5e-4 of it (Hendrycks and Gimpel, arXiv 1606.08415).
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
