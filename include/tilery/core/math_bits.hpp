// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Building blocks of the functions of math.hpp: polynomials, and operations on the bits of floating-point numbers. V is
// float, double or a native vector (pack.hpp) of either.
#pragma once
#pragma GCC system_header

#include <tilery/core/pack.hpp>

#include <cstdint>
#include <type_traits>

namespace tilery::inline TILERY_ABI {

namespace math {

/// The signed integer type that is as wide as V: int32_t for float, int64_t for double, a native vector of these for a
/// native vector.
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
/// float or double: the type of V's elements.
template <class V>
using scalar = typename scalar_of<V>::type;
/// True for single precision: V is float or a native vector of float.
template <class V>
inline constexpr bool single = sizeof(scalar<V>) == 4;

/// A V with the value in every element; for a scalar V the value itself. (value - V{} compiles to a broadcast, and also
/// keeps the sign of -0.)
template <class V>
TILERY_SIMT V all(scalar<V> value) {
  return value - V{};
}

/// A polynomial in x by Horner's method. The coefficients follow x; the first is that of the highest power.
template <class V, class... C>
TILERY_SIMT V polynomial(V x, scalar<V> first, C... others) {
  V sum = all<V>(first);
  ((sum = sum * x + static_cast<scalar<V>>(others)), ...);
  return sum;
}

/// The format of float or double: the number of its fraction bits, its exponent bias, and rounder = 1.5 * 2^fraction.
/// (x + rounder) - rounder rounds x to an integer if |x| < 2^(fraction - 1), because x + rounder has no bits below 1.
template <class V>
struct format;
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

/// 2^n. The result must be a normal number.
template <class V>
TILERY_SIMT V power_of_two(integers<V> n) {
  using f = format<scalar<V>>;
  return reinterpret<V>((n + f::bias) << f::fraction);
}

/// Converts an integer to a floating-point number; |n| must be below 2^22 (double: 2^51). The last bit of rounder
/// counts 1, so adding n to rounder's bits gives the number rounder + n.
template <class V>
TILERY_SIMT V to_floating(integers<V> n) {
  const auto rounder = scalar<V>(format<scalar<V>>::rounder);  // a copy: device code cannot refer to the static member
  return reinterpret<V>(n + reinterpret<integers<scalar<V>>>(rounder)) - rounder;
}

/// |x|, by clearing the sign bit; NaN stays NaN.
template <class V>
TILERY_SIMT V magnitude(V x) {
  using Integers = integers<V>;
  constexpr auto mask = single<V> ? 0x7fffffffLL : 0x7fffffffffffffffLL;
  return reinterpret<V>(reinterpret<Integers>(x) & static_cast<integers<scalar<V>>>(mask));
}

/// x with the sign of s. The sign bit of x must be 0.
template <class V>
TILERY_SIMT V with_sign(V x, V s) {
  using Integers = integers<V>;
  constexpr auto mask = single<V> ? 0x7fffffffLL : 0x7fffffffffffffffLL;
  return reinterpret<V>(reinterpret<Integers>(x) |
                        (reinterpret<Integers>(s) & ~static_cast<integers<scalar<V>>>(mask)));
}

/// 1 / x for |x| in [2^-100, 2^100], and for NaN. nvcc's division of floats has a slow path for extreme and non-finite
/// numbers, whose code costs registers. For floats in device code, the approximate reciprocal (relative error 2^-23)
/// and one Newton step are as accurate, and have no such path.
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
