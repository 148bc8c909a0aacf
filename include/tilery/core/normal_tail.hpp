// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tail of the normal distribution, Phi(-a) = e^(-a^2 / 2) ratio(a) for a >= 0, with which GELU is computed. Both
// factors keep their relative accuracy even if their product underflows. (The formula (1 + erf(x / sqrt(2))) / 2 loses
// 14 of a float's 24 bits at x = -4, and more for smaller x.)
#pragma once
#pragma GCC system_header

#include <tilery/core/exponential.hpp>

namespace tilery::inline TILERY_ABI {

namespace math {

/// The smaller of |x| and a limit. NaN stays NaN.
template <class V>
TILERY_SIMT V limited_magnitude(V x, scalar<V> most) {
  const V a = magnitude(x), limit = all<V>(most);
  return limit < a ? limit : a;
}

/// Phi(-a) = bell * ratio at a = min(|x|, limit), with bell = e^(-a^2 / 2). The limit is 15 (double: 39): there
/// a * Phi(-a) underflows to 0. If x is NaN, a, bell and ratio are NaN.
template <class V>
struct normal_tail {
  V a, ratio;
  power_of_e<V> bell;

  TILERY_SIMT explicit normal_tail(V x)
      : a(limited_magnitude(x, scalar<V>(single<V> ? 15 : 39))), ratio(ratio_at(a)), bell(bell_at(a)) {}

private:
  /// ratio * (a + k) is a smooth function of t = (a - k) / (a + k), which is in [-1, 1) for all a >= 0. q is a
  /// polynomial in t that approximates this function up to the limit of a.
  TILERY_SIMT static V ratio_at(V a) {
    using S = scalar<V>;
    const S k = single<V> ? S(2.5) : S(5);
    const V shrink = reciprocal(a + k), t = (a - k) * shrink;
    V q;
    if constexpr (single<V>)  // q: degree 9, relative error 1.9e-8
      q = polynomial(t, -0.0001590002741455417f, -0.0003145891754483909f, 0.0006840565099609624f, 0.002526846320202909f,
                     -0.001599698014649689f, -0.01638708928365329f, 0.009235507823763856f, 0.1319870717368227f,
                     -0.4336919860260065f, 0.7066566582827129f);
    else  // q: degree 22, relative error 1.2e-17
      q = polynomial(t, -1.587746882747336538e-10, 1.753048401408231981e-9, 7.663071800760041046e-9,
                     -9.313560994326059143e-9, -6.594221662477223043e-8, 4.227499374006534838e-8,
                     4.331410356862584954e-7, -3.366153681012471172e-7, -2.769267095997430245e-6,
                     3.980902157868041119e-6, 0.00001668121374204206145, -0.00004976281427058580517,
                     -0.00005937572800991586368, 0.0005448990647731298938, -0.0007978693984660701054,
                     -0.002993376770508542439, 0.02079506679988317964, -0.06911863870631016358, 0.1650203661703847179,
                     -0.3135331566713045447, 0.4953056159699764133, -0.6653825028900567004, 0.7691930497500629586);
    return q * shrink;
  }
  /// e^(-a^2 / 2). The rounding error of a^2 would cost about a^2 / 2 units in the last place of the result. Therefore
  /// a^2 is split: `upper` holds the upper half of a's digits, so its square is exact, and the rest of a^2 is
  /// (a - upper) * (a + upper).
  TILERY_SIMT static power_of_e<V> bell_at(V a) {
    using S = scalar<V>;
    constexpr auto mask = single<V> ? ~0xfffLL : ~0x7ffffffLL;
    const V upper = reinterpret<V>(reinterpret<integers<V>>(a) & static_cast<integers<S>>(mask));
    return split_exp(upper * upper * S(-0.5), (a - upper) * (a + upper) * S(-0.5));
  }
};

}  // namespace math

}  // namespace tilery::inline TILERY_ABI
