// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parts that the functions of math.hpp are made of: polynomials, and floating-point numbers as integers of their
// bits. V is a float, a double or a native vector of either.
#pragma once
#pragma GCC system_header

#include <tilery/core/pack.hpp>

#include <cstdint>
#include <type_traits>

namespace tilery::inline TILERY_ABI {

namespace math {

/// Signed integers as wide as the elements of V, a floating-point type or a native vector of one.
template <class V>
struct integers_of {
  typedef std::int32_t type __attribute__((vector_size(sizeof(V))));
};
template <>
struct integers_of<float> {
  using type = std::int32_t;
};
template <>
struct integers_of<double> {
  using type = std::int64_t;
};
template <class V>
requires(sizeof(typename scalar_of<V>::type) == 8 && !std::is_same_v<V, double>) struct integers_of<V> {
  typedef std::int64_t type __attribute__((vector_size(sizeof(V))));
};

template <class V>
using integers = typename integers_of<V>::type;
template <class V>
using scalar = typename scalar_of<V>::type;
template <class V>
inline constexpr bool single = sizeof(scalar<V>) == 4;

/// A V with the value in every element.
template <class V>
TILERY_SIMT V all(scalar<V> value) {
  return value - V{};
}

/// A polynomial in x by Horner's method. The coefficients follow x, the highest power's first.
template <class V, class... C>
TILERY_SIMT V polynomial(V x, scalar<V> first, C... others) {
  V sum = all<V>(first);
  ((sum = sum * x + static_cast<scalar<V>>(others)), ...);
  return sum;
}

template <class V>
struct format;  // of an IEEE type: its fraction bits, its exponent bias, and rounder = 1.5 * 2^fraction
template <>
struct format<float> {
  static constexpr int fraction = 23, bias = 127;
  static constexpr float rounder = 12582912.0f;
};
template <>
struct format<double> {
  static constexpr int fraction = 52, bias = 1023;
  static constexpr double rounder = 6755399441055744.0;
};

/// 2^n, which must be a normal number.
template <class V>
TILERY_SIMT V power_of_two(integers<V> n) {
  using f = format<scalar<V>>;
  return reinterpret<V>((n + f::bias) << f::fraction);
}

/// An integer as a floating-point number; |n| must be below 2^22 (double: 2^51).
template <class V>
TILERY_SIMT V to_floating(integers<V> n) {
  const auto rounder = scalar<V>(format<scalar<V>>::rounder);  // a copy: device code cannot refer to the static member
  return reinterpret<V>(n + reinterpret<integers<scalar<V>>>(rounder)) - rounder;
}

template <class V>
TILERY_SIMT V magnitude(V x) {
  using Integers = integers<V>;
  constexpr auto mask = single<V> ? 0x7fffffffLL : 0x7fffffffffffffffLL;
  return reinterpret<V>(reinterpret<Integers>(x) & static_cast<integers<scalar<V>>>(mask));
}

/// x with the sign of s. x must not be negative.
template <class V>
TILERY_SIMT V with_sign(V x, V s) {
  using Integers = integers<V>;
  constexpr auto mask = single<V> ? 0x7fffffffLL : 0x7fffffffffffffffLL;
  return reinterpret<V>(reinterpret<Integers>(x) |
                        (reinterpret<Integers>(s) & ~static_cast<integers<scalar<V>>>(mask)));
}

/// 1 / x for |x| in [2^-100, 2^100], and for NaN. A GPU's division of floats has a slow path for other numbers, which
/// costs registers. The GPU's approximate reciprocal (relative error 2^-23) and one Newton step are as accurate.
template <class V>
TILERY_SIMT V reciprocal(V x) {
#ifdef __CUDA_ARCH__
  if constexpr (std::is_same_v<V, float>) {
    float r;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
    return __fmaf_rn(r, __fmaf_rn(-x, r, 1.0f), r);
  }
#endif
  return scalar<V>(1) / x;
}

}  // namespace math

}  // namespace tilery::inline TILERY_ABI
