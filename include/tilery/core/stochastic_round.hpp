// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rounding to one of the two neighbours, by chance: up with the probability of the distance from the lower one, so that
// the mean of many roundings is the number itself (Gupta et al., Deep learning with limited numerical precision, ICML
// 2015; arXiv 1502.02551). Small updates are not lost, as they are when each is rounded to nearest.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>

namespace tilery::inline TILERY_ABI {

/// What stochastic rounding knows of a type: bits of fraction, the exponent field that a float has at its smallest
/// normal number, and its largest number.
template <class T>
struct rounding_grid;
// clang-format off
template <> struct rounding_grid<half>     { static constexpr std::uint32_t fraction = 10, lowest = 113; static constexpr float largest = 65504; };
template <> struct rounding_grid<bf16>     { static constexpr std::uint32_t fraction = 7,  lowest = 1;   static constexpr float largest = 0x1.fep127f; };
template <> struct rounding_grid<fp8_e4m3> { static constexpr std::uint32_t fraction = 3,  lowest = 121; static constexpr float largest = 448; };
template <> struct rounding_grid<fp8_e5m2> { static constexpr std::uint32_t fraction = 2,  lowest = 113; static constexpr float largest = 57344; };
// clang-format on

namespace math {

/// x as one of the two numbers of T beside it, still a float. Every step is exact but the choice.
template <class T>
struct round_by_chance {
  template <class V, class U>
  TILERY_SIMT V operator()(V x, U random) const {
    using grid = rounding_grid<T>;
    constexpr std::uint32_t fraction = grid::fraction, lowest = grid::lowest << 23, infinite = 0x7f800000u;
    const float largest = grid::largest;  // a value: device code cannot refer to the member
    const U magnitude = reinterpret<U>(x) & 0x7fffffffu, sign = reinterpret<U>(x) & 0x80000000u;
    U rounded;
    if constexpr (std::is_same_v<T, bf16>) {
      // The upper half of a float: a carry out of the lower one is the step up, denormals included.
      rounded = (magnitude + (~random >> 16)) & 0xffff0000u;
    } else {
      U exponent = magnitude & infinite;
      exponent = exponent < U{} + lowest ? U{} + lowest : exponent;  // denormals share a step
      const U step = exponent - (fraction << 23);                    // the power of two between neighbours
      const V steps = reinterpret<V>(magnitude) * reinterpret<V>((254u << 23) - step);
      V whole = (steps + 0x1p23f) - 0x1p23f;  // rounded to nearest, then down
      whole = whole > steps ? whole - 1.0f : whole;
      const V chance = reinterpret<V>((random >> 9) | 0x3f800000u) - 1.0f;  // uniform in [0, 1)
      whole = chance < steps - whole ? whole + 1.0f : whole;
      rounded = reinterpret<U>(whole * reinterpret<V>(step));
    }
    // Beyond the largest number, infinity and NaN: as the conversion to T has it.
    rounded = magnitude > U{} + reinterpret<std::uint32_t>(largest) ? magnitude : rounded;
    return reinterpret<V>(rounded | sign);
  }
};

}  // namespace math

/// Each x rounded to one of the two numbers of T (half, bf16, fp8) beside it, by the random bits: up where they are
/// below the distance from the lower neighbour. A number of T stays what it is, a conversion of the result to T is
/// exact. The chance is right to 2^-16 of a step for bf16, to 2^-23 for the others. What is beyond the largest number
/// of T, infinity and NaN are not changed.
template <class T, int N>
TILERY_SIMT pack<float, N> stochastic_round(pack<float, N> x, pack<std::uint32_t, N> random) {
  return apply(math::round_by_chance<T>{}, x, random);
}

}  // namespace tilery::inline TILERY_ABI
