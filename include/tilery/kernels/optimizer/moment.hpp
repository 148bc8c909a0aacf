// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The moments of update rules: exponential moving averages of a gradient, or of its square.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>

namespace tilery::inline TILERY_ABI {

/// The factors of a moving average m = beta m + (1 - beta) x, rounded to S. `rest` is 1 - beta, computed in double,
/// because in float few of its bits would be exact. If beta is 0, the average does not depend on its old value: an
/// infinity or NaN is forgotten.
template <class S>
struct moment {
  S beta, rest;

  TILERY_SIMT static moment of(double beta) { return {S(beta), S(1 - beta)}; }

  /// Returns the average of a number after one more value.
  template <int N>
  TILERY_SIMT pack<S, N> mean(pack<S, N> old, pack<S, N> x) const {
    return add(old, x * rest);
  }
  /// Returns the average of a square after one more value.
  template <int N>
  TILERY_SIMT pack<S, N> mean_square(pack<S, N> old, pack<S, N> x) const {
    return add(old, (x * rest) * x);  // x^2 can overflow where this product does not
  }

private:
  template <int N>
  TILERY_SIMT pack<S, N> add(pack<S, N> old, pack<S, N> part) const {
    return beta != S(0) ? fma(old, splat<N>(beta), part) : part;
  }
};

}  // namespace tilery::inline TILERY_ABI
