// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The dynamic map: 256 numbers in [-1, 1] or [0, 1] as codes of 8 bits, for the states of optimizers (Dettmers et al.,
// 8-bit optimizers via block-wise quantization, ICLR 2022; arXiv 2110.02861). The numbers are dense near 1 and reach
// down to 3e-7: decade after decade has half as many. The formulas are the closed form of the paper's table.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/core/math_bits.hpp>

namespace tilery::inline TILERY_ABI {

/// The version of the formulas below. It is part of the names of saved states: a file with codes of another map is then
/// refused.
inline constexpr int dynamic_map_version = 1;

namespace math {

/// The map of signed numbers. Code 127 is 0, code 255 is 1. Code 127 + k, for k from 1 to 127, is
/// 10^(i - 6) (0.1 + 0.9 (j + 0.5) / 2^i) with i = floor(log2 k) and j = k - 2^i; code 127 - k is its negative. The
/// numbers reach from 5.5e-7 to 0.993.
///
/// The map of numbers that are not negative. Code 0 is 0, code 255 is 1. Code k - 1, for k from 2 to 255, is
/// 10^(i - 6) (0.1 + 0.9 (j + 0.5) / 2^(i + 1)) with i = floor(log2 k) - 1 and j = k - 2^(i + 1). The numbers reach
/// from 3.25e-7 to 0.9965.
template <bool Signed>
struct dynamic_map {
  /// Returns the number of a code. V is float or a native vector of float; the code is a whole number.
  template <class V>
  TILERY_SIMT static V decode(V code) {
    using Integers = integers<V>;
    const V from_zero = Signed ? code - 127.0f : code + 1.0f;
    const V k = Signed ? magnitude(from_zero) : from_zero;
    const Integers bits = reinterpret<Integers>(k);
    // The lower bits of this exponent are those of i: of 2^7 + i for 2 k in the signed map, and for k in the other one.
    const Integers exponent = bits + (Signed ? 1 << 23 : 0);
    V ten = all<V>(1e-6f);  // 10^(i - 6)
    ten = (exponent & (1 << 23)) != Integers{} ? ten * 10.0f : ten;
    ten = (exponent & (2 << 23)) != Integers{} ? ten * 100.0f : ten;
    ten = (exponent & (4 << 23)) != Integers{} ? ten * 10000.0f : ten;
    // k = 2^floor(log2 k) (1 + j / 2^floor(log2 k)), and half a step is 0.5 / 2^floor(log2 k).
    const V mantissa = reinterpret<V>((bits & 0x007fffff) | 0x3f800000);
    const V half_step = reinterpret<V>(0x7e800000 - (bits & 0x7f800000));
    V number = ten * ((mantissa + half_step) * 0.9f + (0.1f - 0.9f));
    number = k >= all<V>(Signed ? 128.0f : 256.0f) ? all<V>(1.0f) : number;
    number = k < all<V>(Signed ? 1.0f : 2.0f) ? V{} : number;
    return Signed ? with_sign(number, from_zero) : number;
  }

  /// Returns the code of the number of the map that is nearest to x, |x| <= 1 (for the map without signs, x >= 0, and
  /// an x above 0 does not become 0). NaN becomes any code.
  template <class V>
  TILERY_SIMT static V encode(V x) {
    const V y = magnitude(x);
    // With n = 6 - i and c = 2^i (2^(i + 1) in the map without signs), k = c + j is 10^n c / 0.9 y + c (1 - 0.1 / 0.9)
    // - 0.5, rounded. A binary search finds n, by the borders between the largest number of one i and the smallest
    // number of the next one.
    const float first_slope = (Signed ? 64 : 128) / 0.9f;
    const auto below_3 = y < all<V>(Signed ? 1.225e-4f : 1.1125e-4f);
    V slope = below_3 ? all<V>(first_slope * 625) : all<V>(first_slope);  // 10^n c / 0.9
    V c = below_3 ? all<V>(Signed ? 4.0f : 8.0f) : all<V>(Signed ? 64.0f : 128.0f);
    const V border = below_3 ? all<V>(Signed ? 1.9e-6f : 1.45e-6f) : all<V>(Signed ? 1.05625e-2f : 1.028125e-2f);
    const auto below = y < border;
    slope = below ? slope * 25.0f : slope;
    c = below ? c * 0.25f : c;
    const V low = below_3 ? all<V>(-1.0f) : all<V>(Signed ? 1.1125e-3f : 1.05625e-3f);
    const V high = below_3 ? all<V>(Signed ? 1.45e-5f : 1.225e-5f) : all<V>(Signed ? 1.028125e-1f : 1.0140625e-1f);
    const auto last = y < (below ? low : high);
    slope = last ? slope * 5.0f : slope;
    c = last ? c * 0.5f : c;
    const float rounder = format<float>::rounder;
    V k = y * slope + (c * (1 - 0.1f / 0.9f) - 0.5f);
    k = (k + rounder) - rounder;
    k = k > c + c - 1.0f ? c + c - 1.0f : k;  // between the largest number of this i and the border
    if constexpr (Signed) {
      k = y < all<V>(2.75e-7f) ? V{} : k;
      k = x >= all<V>(0.996484375f) ? all<V>(128.0f) : k;
      return x < V{} ? 127.0f - k : 127.0f + k;
    } else {
      k = k < all<V>(2.0f) ? all<V>(2.0f) : k;
      k = y >= all<V>(0.9982421875f) ? all<V>(256.0f) : k;
      k = y > V{} ? k : all<V>(1.0f);
      return k - 1.0f;
    }
  }
};

template <bool Signed>
struct decode_dynamic {
  template <class V>
  TILERY_SIMT V operator()(V code) const {
    return dynamic_map<Signed>::decode(code);
  }
};
template <bool Signed>
struct encode_dynamic {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    return dynamic_map<Signed>::encode(x);
  }
};

}  // namespace math

/// The numbers of N codes.
template <bool Signed, int N>
TILERY_SIMT pack<float, N> decode_dynamic(pack<std::uint8_t, N> codes) {
  return apply(math::decode_dynamic<Signed>{}, convert<float>(convert<std::int32_t>(codes)));
}
/// The codes of N numbers in [-1, 1] (Signed) or [0, 1].
template <bool Signed, int N>
TILERY_SIMT pack<std::uint8_t, N> encode_dynamic(pack<float, N> x) {
  // A code plus 2^23 has the code in its lowest bits. (To convert NaN to an integer would be undefined.)
  const auto codes = apply(math::encode_dynamic<Signed>{}, x) + 8388608.0f;
  return convert<std::uint8_t>(reinterpret<pack<std::uint32_t, N>>(codes));
}

}  // namespace tilery::inline TILERY_ABI
