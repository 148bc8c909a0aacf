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
    const V n = Signed ? k : k * 0.5f;  // 2^i (1 + j / 2^i) in the signed map; the same fraction in the other one
    V ten = all<V>(1e-6f);              // 10^(i - 6)
    ten = n >= all<V>(2.0f) ? all<V>(1e-5f) : ten;
    ten = n >= all<V>(4.0f) ? all<V>(1e-4f) : ten;
    ten = n >= all<V>(8.0f) ? all<V>(1e-3f) : ten;
    ten = n >= all<V>(16.0f) ? all<V>(1e-2f) : ten;
    ten = n >= all<V>(32.0f) ? all<V>(1e-1f) : ten;
    ten = n >= all<V>(64.0f) ? all<V>(1.0f) : ten;
    // The exponent and the fraction of k are floor(log2 k) and j / 2^floor(log2 k).
    const Integers bits = reinterpret<Integers>(k);
    const V fraction = reinterpret<V>((bits & 0x007fffff) | 0x3f800000) - 1.0f;
    const V half_step = reinterpret<V>(0x7e800000 - (bits & 0x7f800000));  // 0.5 / 2^floor(log2 k)
    V number = ten * (0.1f + 0.9f * (fraction + half_step));
    number = k >= all<V>(Signed ? 128.0f : 256.0f) ? all<V>(1.0f) : number;
    number = k < all<V>(Signed ? 1.0f : 2.0f) ? V{} : number;
    return Signed ? (from_zero < V{} ? -number : number) : number;
  }

  /// Returns the code of the number of the map that is nearest to x, |x| <= 1 (for the map without signs, x >= 0, and
  /// an x above 0 does not become 0). NaN becomes the code of 0.
  template <class V>
  TILERY_SIMT static V encode(V x) {
    const V y = magnitude(x);
    // The decade of y, by the borders between the largest number of one i and the smallest one of the next.
    decade<V> in{all<V>(1e6f), all<V>(Signed ? 1.0f : 2.0f)};
    in.begins(y, Signed ? 1.9e-6f : 1.45e-6f, 1e5f, 2);
    in.begins(y, Signed ? 1.45e-5f : 1.225e-5f, 1e4f, 4);
    in.begins(y, Signed ? 1.225e-4f : 1.1125e-4f, 1e3f, 8);
    in.begins(y, Signed ? 1.1125e-3f : 1.05625e-3f, 1e2f, 16);
    in.begins(y, Signed ? 1.05625e-2f : 1.028125e-2f, 1e1f, 32);
    in.begins(y, Signed ? 1.028125e-1f : 1.0140625e-1f, 1e0f, 64);
    const float rounder = format<float>::rounder;
    V j = (y * in.scale - 0.1f) * (1 / 0.9f) * in.codes - 0.5f;
    j = (j + rounder) - rounder;
    j = j < V{} ? V{} : j;
    j = j > in.codes - 1.0f ? in.codes - 1.0f : j;
    V k = in.codes + j;
    if constexpr (Signed) {
      k = y < all<V>(2.75e-7f) ? V{} : k;
      k = y >= all<V>(0.996484375f) && x > V{} ? all<V>(128.0f) : k;
      k = y == y ? k : V{};
      return x < V{} ? 127.0f - k : 127.0f + k;
    } else {
      k = y >= all<V>(0.9982421875f) ? all<V>(256.0f) : k;
      k = y > V{} ? k : all<V>(1.0f);
      return k - 1.0f;
    }
  }

private:
  /// The numbers of one i: 10^(6 - i), and how many they are.
  template <class V>
  struct decade {
    V scale, codes;

    /// Changes to the next decade if y is at least `border`.
    TILERY_SIMT void begins(V y, float border, float new_scale, float new_codes) {
      scale = y >= all<V>(border) ? all<V>(new_scale) : scale;
      codes = y >= all<V>(border) ? all<V>(Signed ? new_codes : 2 * new_codes) : codes;
    }
  };
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
  return convert<std::uint8_t>(convert<std::int32_t>(apply(math::encode_dynamic<Signed>{}, x)));
}

}  // namespace tilery::inline TILERY_ABI
