// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sigmoid(-z) = e^-z / (1 + e^-z) for z >= 0, which is at most 1/2, as two factors. Activations that contain a sigmoid
// are computed from these factors: their formulas then have no subtraction that loses digits by cancellation.
// (core/normal_tail.hpp has the corresponding factors for gelu.)
#pragma once
#pragma GCC system_header

#include <tilery/core/normal_tail.hpp>

namespace tilery::inline TILERY_ABI {

namespace activation {

/// Returns f'(x) for an f with f'(-x) = 1 - f'(x), from `below` = f'(-|x|).
template <class V>
TILERY_SIMT V mirrored(V x, V below) {
  return x < V{} ? below : math::scalar<V>(1) - below;
}

/// The factors of sigmoid(-z) = q / (1 + q) with q = exp(-z), for z >= 0. The member `e` is q, and `rest` is 1 / (1 +
/// q) = sigmoid(z). `e` is itself kept as two factors, so that e.times(factor) keeps its digits where q underflows
/// (core/exponential.hpp).
template <class V>
struct sigmoid_tail {
  math::power_of_e<V> e;
  V rest;
  TILERY_SIMT explicit sigmoid_tail(V z)
      : e(math::split_exp(-z)), rest(math::reciprocal(e.value() + math::scalar<V>(1))) {}
};

/// A limit for z: for z >= end_of_exp<V>, z exp(-z) rounds to 0 in the number format of V.
template <class V>
inline constexpr int end_of_exp = math::single<V> ? 120 : 800;

}  // namespace activation

}  // namespace tilery::inline TILERY_ABI
