// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sign of a number (math.hpp says what all functions have in common).
#pragma once
#pragma GCC system_header

#include <tilery/core/math_bits.hpp>

namespace tilery::inline TILERY_ABI {

namespace math {

/// 1 for x > 0, -1 for x < 0, 0 for both zeros, NaN for NaN.
struct sign {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    using S = scalar<V>;
    const V above = x > V{} ? all<V>(S(1)) : V{};
    const V either = x < V{} ? all<V>(S(-1)) : above;
    return x == x ? either : x;
  }
};

}  // namespace math

/// The sign of each element of a pack of float or double: 1, -1, 0 or NaN.
template <class T, int N>
TILERY_SIMT pack<T, N> sign(pack<T, N> x) {
  return apply(math::sign{}, x);
}

}  // namespace tilery::inline TILERY_ABI
