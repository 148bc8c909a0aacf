// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions of an activation: value() for the forward pass (concept has_value), gradient() or derivative() for the
// backward pass (concept has_gradient). value_of() and gradient_of() apply them to packs, element by element; a pack is
// a fixed number of elements (core/pack.hpp). If a pass needs a function that the activation lacks, must_have_value()
// or must_have_gradient() ends the compilation with one sentence. tile/activation.hpp says how to write an activation.
#pragma once
#pragma GCC system_header

#include <tilery/core/pack.hpp>

#include <concepts>

namespace tilery::inline TILERY_ABI {

namespace activation {

/// True if the activation has the function V value(V x), which computes f(x). V is float, double, or in host code (CPU
/// and virtual GPU) a native vector of them.
template <class Activation, class V>
concept has_value = requires(V x) {
  { Activation::value(x) } -> std::same_as<V>;
};

/// True if the activation has a backward pass for type V: Activation::gradient(x, dy), which returns dy f'(x), and 0
/// for an infinite dy where f'(x) = 0; or Activation::derivative(x), which returns f'(x). If it has both, gradient() is
/// used.
template <class Activation, class V>
concept has_gradient = requires(V x) {
  { Activation::gradient(x, x) } -> std::same_as<V>;
}
|| requires(V x) {
  { Activation::derivative(x) } -> std::same_as<V>;
};

/// Ends the compilation if the activation has no value(x) for x of type V.
template <class Activation, class V>
constexpr void must_have_value() {
  static_assert(has_value<Activation, V>,
                "an activation must be a struct, such as tilery::activation::gelu, with the static function template "
                "V value(V x), because the forward pass calls it with V = float, double, or a vector of them");
}

/// Ends the compilation if the activation has no backward pass for type V.
template <class Activation, class V>
constexpr void must_have_gradient() {
  static_assert(has_gradient<Activation, V>,
                "an activation must have the static function template V derivative(V x), or V gradient(V x, V dy), "
                "because the backward pass calls it");
}

/// f(x) as a function object, for apply() (core/pack.hpp).
template <class Activation>
struct value_at {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    return Activation::value(x);
  }
};

/// dy f'(x), by gradient() or derivative(), as a function object, for apply() (core/pack.hpp).
template <class Activation>
struct gradient_at {
  template <class V>
  TILERY_SIMT V operator()(V x, V dy) const {
    if constexpr (requires { Activation::gradient(x, dy); })
      return Activation::gradient(x, dy);
    else
      return dy * Activation::derivative(x);
  }
};

/// The forward pass: f(x) for each element x of a pack.
template <class Activation, class T, int N>
TILERY_SIMT pack<T, N> value_of(pack<T, N> x) {
  return apply(value_at<Activation>{}, x);
}

/// The backward pass: dy f'(x) for each element x of one pack and the element dy at the same position of the other
/// pack.
template <class Activation, class T, int N>
TILERY_SIMT pack<T, N> gradient_of(pack<T, N> x, pack<T, N> dy) {
  return apply(gradient_at<Activation>{}, x, dy);
}

}  // namespace activation

}  // namespace tilery::inline TILERY_ABI
