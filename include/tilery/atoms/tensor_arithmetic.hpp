// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The arithmetic of tensor cores with float accumulators, bit for bit: the sum c + a[0] b[0] + a[1] b[1] + ... The
// terms (c and the products) are aligned to the largest exponent among them, truncated after a number of fractional
// bits, and added exactly. The sum is truncated to a float. mma_model.hpp, the host model of mma.sync, uses these
// functions.
// Fractional bits of the terms: 24 up to sm_89, and 25 for sm_90 and later. For fp8 on sm_89 the terms and the result
// have 13. For fp8 on sm_90 see converted_dot() below.
// Up to sm_89 an instruction makes two such sums: it adds the first half of its k products to c, then the second half
// to that result.
// Source: MMA-Sim (arXiv 2511.10909).
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/convert.hpp>

#include <bit>
#include <cmath>
#include <cstdint>

namespace tilery::inline TILERY_ABI::atoms {

/// Converts an element of A or B to Number, the type in which the host model multiplies. The lower 13 bits of a tf32
/// become 0: tensor cores ignore them.
template <class Number, class T>
Number tensor_input(T value) {
  if constexpr (std::is_same_v<T, tf32>)
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value.value) & 0xffffe000u);
  else
    return convert<Number>(value);
}

/// The exponent of the smallest normal number of T: -14 for 2^-14. A denormal element of T has this exponent too when
/// terms are aligned.
template <class T>
inline constexpr int lowest_exponent = std::is_same_v<T, half>       ? -14
                                       : std::is_same_v<T, fp8_e4m3> ? -6
                                       : std::is_same_v<T, fp8_e5m2> ? -14
                                                                     : -126;

/// lowest_exponent of A's and of B's element type.
struct operand_exponents {
  int a, b;
};
template <class A, class B = A>
inline constexpr operand_exponents lowest_exponents = {lowest_exponent<A>, lowest_exponent<B>};

/// A product of two operands: significand * 2^(exponent - 46). The significand of each operand has 23 fraction bits, so
/// that of the product has 46. `zero` is true if the product is 0.
struct tensor_term {
  std::int64_t significand = 0;
  int exponent = 0;
  bool zero = true;
};

/// Computes the exact product of two finite operands.
inline tensor_term product_term(float a, float b, operand_exponents lowest) {
  const auto split = [](float x, int from, int& exponent) {
    exponent = x == 0 ? from : std::max(std::ilogb(x), from);
    return static_cast<std::int64_t>(std::ldexp(x, 23 - exponent));
  };
  int ea, eb;
  const std::int64_t sa = split(a, lowest.a, ea), sb = split(b, lowest.b, eb);
  return {sa * sb, ea + eb, sa == 0 || sb == 0};
}

/// One sum of the hardware: c + a[0] b[0] + ... + a[count - 1] b[count - 1]. `bits` is the number of fractional bits of
/// the aligned terms, `fraction` that of the result's significand. `lowest` holds lowest_exponent of the types
/// in which the hardware multiplies a and b. NaN is always the value 0x7fffffff.
inline float exact_sum(const float* a, const float* b, int count, float c, int bits, operand_exponents lowest,
                       int fraction = 23) {
  bool plus = false, minus = false, nan = std::isnan(c);
  if (std::isinf(c)) (c > 0 ? plus : minus) = true;
  int largest = std::isfinite(c) && c != 0 ? std::max(std::ilogb(c), -126) : -1000;  // -1000: only zeros so far
  for (int i = 0; i < count; ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) {
      const float p = a[i] * b[i];
      nan = nan || std::isnan(p);
      if (std::isinf(p)) (p > 0 ? plus : minus) = true;
      continue;
    }
    const tensor_term t = product_term(a[i], b[i], lowest);
    if (!t.zero) largest = std::max(largest, t.exponent);
  }
  if (nan || (plus && minus)) return std::bit_cast<float>(0x7fffffffu);
  if (plus || minus) return plus ? INFINITY : -INFINITY;
  if (largest == -1000) return c == 0 ? 0.0f : c;

  // Returns significand * 2^(exponent - point) in units of 2^(largest - bits), truncated toward zero.
  const auto aligned = [&](std::int64_t significand, int point, int exponent) {
    const int right = point - bits + largest - exponent;
    if (right <= 0) return significand * (std::int64_t{1} << -right);
    const std::int64_t magnitude = right > 62 ? 0 : (significand < 0 ? -significand : significand) >> right;
    return significand < 0 ? -magnitude : magnitude;
  };
  std::int64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    const tensor_term t = product_term(a[i], b[i], lowest);
    if (!t.zero) sum += aligned(t.significand, 46, t.exponent);
  }
  if (c != 0) {
    const int exponent = std::max(std::ilogb(c), -126);
    sum += aligned(static_cast<std::int64_t>(std::ldexp(c, 23 - exponent)), 23, exponent);
  }
  if (sum == 0) return 0.0f;

  // Truncates the sum to `fraction` fraction bits, and a denormal sum to a multiple of the smallest denormal, 2^-149.
  const std::uint64_t magnitude = static_cast<std::uint64_t>(sum < 0 ? -sum : sum);
  const int unit = largest - bits;  // exponent of the sum's last bit
  const int width = 64 - std::countl_zero(magnitude);
  int drop = std::max(width - 1 - fraction, -149 - unit);
  if (drop < 0) drop = 0;
  const double value = std::ldexp(static_cast<double>(drop > 63 ? 0 : magnitude >> drop), unit + drop);
  const float result = value >= 0x1p128 ? INFINITY : static_cast<float>(value);
  return sum < 0 ? -result : result;
}

/// c plus K products of fp8 by mma.sync on sm_90. The tensor cores of sm_90 have no mma.sync of fp8: the compiled code
/// converts the operands to half. Of each four products along k, the first two belong to a first exact_sum(), which
/// begins with 0; the last two belong to a second exact_sum(), which begins with the result of the first. Then c is
/// added in float.
template <int K>
float converted_dot(const float* a, const float* b, float c) {
  constexpr operand_exponents lowest = lowest_exponents<half>;
  float first[2][K / 2], second[2][K / 2];
  for (int q = 0; q < K; ++q) {
    auto& to = q % 4 < 2 ? first : second;
    to[0][q / 4 * 2 + q % 2] = a[q], to[1][q / 4 * 2 + q % 2] = b[q];
  }
  const float sum = exact_sum(first[0], first[1], K / 2, 0, 25, lowest);
  return exact_sum(second[0], second[1], K / 2, sum, 25, lowest) + c;
}

/// One element of an instruction's result on the arch `target`: c plus K products. K = 32 means fp8, since int8 has no
/// float accumulators. For archs after sm_90 the result has not been compared with a GPU.
template <int K>
float exact_dot(const float* a, const float* b, float c, arch target, operand_exponents lowest) {
  if (!is_at_least(target, arch::sm_90)) {
    const int bits = K == 32 ? 13 : 24, fraction = K == 32 ? 13 : 23;
    const float first = exact_sum(a, b, K / 2, c, bits, lowest, fraction);
    return exact_sum(a + K / 2, b + K / 2, K / 2, first, bits, lowest, fraction);
  }
  if (K == 32 && target == arch::sm_90) return converted_dot<K>(a, b, c);
  return exact_sum(a, b, K, c, 25, lowest);
}

}  // namespace tilery::inline TILERY_ABI::atoms
