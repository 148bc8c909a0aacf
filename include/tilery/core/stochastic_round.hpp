// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stochastic rounding: x between two neighbouring numbers a < b of a type becomes b with probability (x - a) / (b - a),
// and a otherwise. The expected value is x (Gupta et al., Deep learning with limited numerical precision, ICML
// 2015; arXiv 1502.02551). Rounding to nearest would lose updates that are smaller than half of the distance b - a.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>

namespace tilery::inline TILERY_ABI {

/// Describes the numbers of a type T. `fraction` is the number of T's fraction bits, `lowest` the exponent field of the
/// float that equals T's smallest normal number, and `largest` T's largest finite number.
template <class T>
struct rounding_grid;
// clang-format off
template <> struct rounding_grid<half>     { static constexpr std::uint32_t fraction = 10, lowest = 113; static constexpr float largest = 65504; };
template <> struct rounding_grid<bf16>     { static constexpr std::uint32_t fraction = 7,  lowest = 1;   static constexpr float largest = 0x1.fep127f; };
template <> struct rounding_grid<fp8_e4m3> { static constexpr std::uint32_t fraction = 3,  lowest = 121; static constexpr float largest = 448; };
template <> struct rounding_grid<fp8_e5m2> { static constexpr std::uint32_t fraction = 2,  lowest = 113; static constexpr float largest = 57344; };
// clang-format on

namespace math {

/// Rounds x to one of the two neighbouring numbers of T; the result has the type of x. V is float or a native vector of
/// float; U holds 32 random bits for each element. All steps are exact except for the random choice.
template <class T>
struct round_by_chance {
  template <class V, class U>
  TILERY_SIMT V operator()(V x, U random) const {
    using grid = rounding_grid<T>;
    constexpr std::uint32_t fraction = grid::fraction, lowest = grid::lowest << 23, infinite = 0x7f800000u;
    const float largest = grid::largest;  // a copy: device code cannot refer to the static member
    const U magnitude = reinterpret<U>(x) & 0x7fffffffu, sign = reinterpret<U>(x) & 0x80000000u;
    U rounded;
    if constexpr (std::is_same_v<T, bf16>) {
      // A bf16 is the upper half of a float. Adding 16 random bits to the lower half rounds up if the addition causes a
      // carry; this also holds for denormals. (The random bits are inverted, so that small random numbers round up, as
      // they do for the other types.)
      rounded = (magnitude + (~random >> 16)) & 0xffff0000u;
    } else {
      U exponent = magnitude & infinite;
      exponent = exponent < U{} + lowest ? U{} + lowest : exponent;  // T's denormals all have the same spacing
      const U step = exponent - (fraction << 23);  // the bits of the distance between neighbours, a power of two
      // x in units of this distance: (254 << 23) - step are the bits of its reciprocal
      const V steps = reinterpret<V>(magnitude) * reinterpret<V>((254u << 23) - step);
      V whole = (steps + 0x1p23f) - 0x1p23f;  // rounds to nearest; the next line makes it floor(steps)
      whole = whole > steps ? whole - 1.0f : whole;
      const V chance = reinterpret<V>((random >> 9) | 0x3f800000u) - 1.0f;  // uniform in [0, 1)
      whole = chance < steps - whole ? whole + 1.0f : whole;
      rounded = reinterpret<U>(whole * reinterpret<V>(step));
    }
    // Numbers above T's largest number, infinity and NaN stay as they are: the conversion to T decides what they
    // become.
    rounded = magnitude > U{} + reinterpret<std::uint32_t>(largest) ? magnitude : rounded;
    return reinterpret<V>(rounded | sign);
  }
};

}  // namespace math

/// Rounds each x to one of the two neighbouring numbers of T (half, bf16, fp8). `random` holds 32 random bits for each
/// element. If x is a number of T, it is not changed. The conversion of the result to T is exact if |x| is at most T's
/// largest number. If |x| is above this number, infinite or NaN, x is not changed, and the conversion to T decides what
/// it becomes.
///
/// Accuracy. The probability of rounding up is exact for bf16, and for half and fp8 if |x| is at least T's smallest
/// normal number. For smaller |x| its error is below 2^-23.
template <class T, int N>
TILERY_SIMT pack<float, N> stochastic_round(pack<float, N> x, pack<std::uint32_t, N> random) {
  return apply(math::round_by_chance<T>{}, x, random);
}

}  // namespace tilery::inline TILERY_ABI
