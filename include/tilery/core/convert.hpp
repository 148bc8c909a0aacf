// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conversions between element types, of scalars and packs.
// To floating-point types. They round to nearest, ties to even. NaN stays NaN, and overflow becomes infinity; in fp8 a
// value out of range (infinity, too) becomes the largest finite value with its sign. A tf32 keeps all bits of a float.
// Conversions from double to half or bf16, and from integers to half, bf16 or fp8, go through float and may round
// twice.
// To integer types. float to int8 rounds to nearest, ties to even; a value out of range becomes -128 or 127, and NaN
// becomes 0. All other pairs are static_casts: floating-point values are truncated toward zero (undefined if out of
// range), integers keep their lower bits.
// The host converts packs of half and bf16 from and to float by arithmetic on whole vectors. The device uses the
// functions of CUDA's headers.
#pragma once
#pragma GCC system_header

#include <tilery/core/pack.hpp>

#include <type_traits>

namespace tilery::inline TILERY_ABI {

namespace half_bits {

// F is float and U is uint32_t, or both are native vectors of these types (pack.hpp). Each half is in the lower 16 bits
// of a U's 32 bits. Comparisons need a U on the right: adding U{} converts a constant to U.

/// Converts halves to floats, exactly.
template <class F, class U>
inline F to_float(U h) {
  const U sign = (h & 0x8000u) << 16;
  const U rest = (h & 0x7fffu) << 13;
  const F scaled = reinterpret<F>(rest) * 0x1p112f;  // 112 = 127 - 15, the exponent biases; exact, also for denormals
  U bits = reinterpret<U>(scaled);
  const U special = rest | 0x7f800000u;
  bits = (rest >= 0x0f800000u + (U{})) ? special : bits;  // infinity and NaN: the largest exponent field
  return reinterpret<F>(bits | sign);
}

/// Converts floats to halves, to nearest, ties to even.
template <class U, class F>
inline U from_float(F value) {
  const U bits = reinterpret<U>(value);
  const U sign = (bits >> 16) & 0x8000u;
  const U rest = bits & 0x7fffffffu;
  // The carry of the addition rounds: the lower 13 bits are cut off, and the exponent bias falls by 112.
  const U normal = (rest + 0xfffu + ((rest >> 13) & 1u) - (112u << 23)) >> 13;
  const F tiny = reinterpret<F>(rest) + 0.5f;  // rounds: floats in [0.5, 1) have the spacing of half's denormals, 2^-24
  const U denormal = reinterpret<U>(tiny) - 0x3f000000u;
  const U zero = U{};
  U result = rest < 0x38800000u + zero ? denormal : normal;       // below 2^-14, half's smallest normal number
  result = rest >= 0x47800000u + zero ? 0x7c00u + zero : result;  // from 2^16 on: infinity
  result = rest > 0x7f800000u + zero ? 0x7e00u + zero : result;   // NaN
  return result | sign;
}

}  // namespace half_bits

namespace bf16_bits {

// F and U as in half_bits. A bf16 is the upper half of a float.

template <class F, class U>
inline F to_float(U b) {
  return reinterpret<F>(b << 16);
}

template <class U, class F>
inline U from_float(F value) {
  const U bits = reinterpret<U>(value);
  const U rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;  // to nearest, ties to even
  const U quiet = (bits >> 16) | 0x40u;                            // for NaN, whose rounding could give infinity
  return (bits & 0x7fffffffu) > 0x7f800000u + (U{}) ? quiet : rounded;
}

}  // namespace bf16_bits

/// Converts one element.
template <class To, class From>
TILERY_SIMT To convert(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (std::is_same_v<From, half>) {
#ifdef __CUDA_ARCH__
    return static_cast<To>(__half2float(value));
#else
    return static_cast<To>(half_bits::to_float<float>(std::uint32_t{reinterpret<std::uint16_t>(value)}));
#endif
  } else if constexpr (std::is_same_v<From, bf16>) {
#ifdef __CUDA_ARCH__
    return static_cast<To>(__bfloat162float(value));
#else
    return static_cast<To>(bf16_bits::to_float<float>(std::uint32_t{reinterpret<std::uint16_t>(value)}));
#endif
  } else if constexpr (std::is_same_v<To, half>) {
#ifdef __CUDA_ARCH__
    return __float2half_rn(static_cast<float>(value));
#else
    const auto bits = half_bits::from_float<std::uint32_t>(static_cast<float>(value));
    return reinterpret<half>(static_cast<std::uint16_t>(bits));
#endif
  } else if constexpr (std::is_same_v<To, bf16>) {
#ifdef __CUDA_ARCH__
    return __float2bfloat16_rn(static_cast<float>(value));
#else
    const auto bits = bf16_bits::from_float<std::uint32_t>(static_cast<float>(value));
    return reinterpret<bf16>(static_cast<std::uint16_t>(bits));
#endif
  } else if constexpr (std::is_same_v<From, tf32>) {
    return static_cast<To>(value.value);
  } else if constexpr (std::is_same_v<To, tf32>) {
    return tf32{static_cast<float>(value)};
  } else if constexpr (std::is_same_v<To, int8> && std::is_same_v<From, float>) {
    const float nearest = (value + 0x1.8p23f) - 0x1.8p23f;  // to nearest, ties to even; used only for |value| < 128
    const float kept = value >= 127 ? 127.0f : value <= -128 ? -128.0f : value == value ? nearest : 0.0f;
    return static_cast<int8>(kept);
  } else {
    return static_cast<To>(value);
  }
}

/// Converts each element of a pack.
template <class To, class From, int N>
TILERY_SIMT pack<To, N> convert(pack<From, N> values) {
  if constexpr (std::is_same_v<To, From>) {
    return values;
  } else {
    pack<To, N> result;
#ifndef __CUDA_ARCH__
    using words = typename pack<std::uint32_t, N>::native_type;
    using floats = typename pack<float, N>::native_type;
    constexpr bool to_float = std::is_same_v<To, float>, from_float = std::is_same_v<From, float>;
    if constexpr (std::is_same_v<From, half> && to_float) {
      result.native = half_bits::to_float<floats, words>(__builtin_convertvector(values.native, words));
    } else if constexpr (std::is_same_v<From, bf16> && to_float) {
      result.native = bf16_bits::to_float<floats, words>(__builtin_convertvector(values.native, words));
    } else if constexpr (from_float && std::is_same_v<To, half>) {
      using bits = typename pack<To, N>::native_type;
      result.native = __builtin_convertvector(half_bits::from_float<words, floats>(values.native), bits);
    } else if constexpr (from_float && std::is_same_v<To, bf16>) {
      using bits = typename pack<To, N>::native_type;
      result.native = __builtin_convertvector(bf16_bits::from_float<words, floats>(values.native), bits);
    } else if constexpr (std::is_integral_v<From> && std::is_integral_v<To> && sizeof(From) * sizeof(To) == 4 &&
                         sizeof(From) != sizeof(To)) {
      // Between 8 and 32 bits in two steps: g++ 12 converts element by element where the sizes differ by a factor of 4.
      return convert<To>(convert<std::conditional_t<std::is_signed_v<From>, std::int16_t, std::uint16_t>>(values));
    } else if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
      result.native = __builtin_convertvector(values.native, typename pack<To, N>::native_type);
    } else if constexpr (std::is_same_v<From, std::int32_t> && to_float) {
      result.native = __builtin_convertvector(values.native, floats);
    } else
#endif
    {
      TILERY_UNROLL
      for (int i = 0; i < N; ++i) result.set(i, convert<To>(values[i]));
    }
    return result;
  }
}

}  // namespace tilery::inline TILERY_ABI
