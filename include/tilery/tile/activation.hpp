// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activations and their derivatives, on packs of float or double. Each is a named struct that epilogues and the
// activation ops share. NaN stays NaN.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>

namespace tilery::inline TILERY_ABI {

namespace activation {

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
  struct step {
    template <class V>
    TILERY_SIMT V operator()(V x) const {
      return x > V{} ? math::all<V>(1) : (x == x ? V{} : x);
    }
  };
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return apply(clip{}, x);
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    return apply(step{}, x);
  }
};

/// y = x Phi(x) = x (1 + erf(x / sqrt(2))) / 2 (Hendrycks and Gimpel, arXiv 1606.08415).
struct gelu {
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return x * normal_cdf(x);
  }
  /// Phi(x) + x phi(x), with phi the density of the normal distribution.
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    return fma(x, exp(x * x * T(-0.5)) * T(0.39894228040143267794), normal_cdf(x));
  }

private:
  template <class T, int N>
  TILERY_SIMT static pack<T, N> normal_cdf(pack<T, N> x) {
    return erf(x * T(0.70710678118654752440)) * T(0.5) + T(0.5);
  }
};

/// y = 1 / (1 + e^-x).
struct sigmoid {
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return splat<N>(T(1)) / (exp(x * T(-1)) + T(1));
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    const auto y = value(x);
    return y * (splat<N>(T(1)) - y);
  }
};

/// y = x (1 + tanh(u)) / 2 = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3): the approximation of `gelu` by
/// tanh, within 5e-4 of it (Hendrycks and Gimpel, arXiv 1606.08415).
struct gelu_tanh {
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return x * gate(x);
  }
  /// s + x s (1 - s) 2 u' with s = sigmoid(2 u).
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    const auto s = gate(x);
    const auto square = min(x * x, splat<N>(T(1e4)));  // s (1 - s) is 0 there, and must not meet infinity
    return fma(x * s * (splat<N>(T(1)) - s),
               square * T(6 * 0.79788456080286535588 * 0.044715) + T(2 * 0.79788456080286535588), s);
  }

private:
  template <class T, int N>
  TILERY_SIMT static pack<T, N> gate(pack<T, N> x) {
    return sigmoid::value(x * (x * x * T(2 * 0.79788456080286535588 * 0.044715) + T(2 * 0.79788456080286535588)));
  }
};

/// y = x sigmoid(x), also called swish.
struct silu {
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return x * sigmoid::value(x);
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    const auto s = sigmoid::value(x);
    return s * (x * (splat<N>(T(1)) - s) + T(1));
  }
};

/// y = tanh(x).
struct tanh {
  template <class T, int N>
  TILERY_SIMT static pack<T, N> value(pack<T, N> x) {
    return tilery::tanh(x);
  }
  template <class T, int N>
  TILERY_SIMT static pack<T, N> derivative(pack<T, N> x) {
    const auto y = tilery::tanh(x);
    return splat<N>(T(1)) - y * y;
  }
};

}  // namespace activation

}  // namespace tilery::inline TILERY_ABI
