// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The dynamic map of 8 bits, against its closed form in double.
#include <gtest/gtest.h>

#include <tilery/core/dynamic_map.hpp>

#include "tests/draw.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace {

using namespace tilery;

/// The numbers by code, from the formulas of the paper's closed form.
std::vector<double> numbers_of(bool is_signed) {
  std::vector<double> numbers(256);
  const auto number = [](int i, int j, int codes) { return std::pow(10.0, i - 6) * (0.1 + 0.9 * (j + 0.5) / codes); };
  if (is_signed) {
    for (int k = 1; k <= 127; ++k) {
      const int i = static_cast<int>(std::log2(k));
      numbers[127 + k] = number(i, k - (1 << i), 1 << i);
      numbers[127 - k] = -numbers[127 + k];
    }
  } else {
    for (int k = 2; k <= 255; ++k) {
      const int i = static_cast<int>(std::log2(k)) - 1;
      numbers[k - 1] = number(i, k - (2 << i), 2 << i);
    }
  }
  numbers[255] = 1;
  return numbers;
}

template <bool Signed>
int encode(float x) {
  const int code = encode_dynamic<Signed>(splat<1>(x))[0];
  const auto wide = encode_dynamic<Signed>(splat<8>(x));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(wide[i], code) << x;
  return code;
}
template <bool Signed>
float decode(int code) {
  const auto wide = decode_dynamic<Signed>(splat<8>(static_cast<std::uint8_t>(code)));
  const float one = decode_dynamic<Signed>(splat<1>(static_cast<std::uint8_t>(code)))[0];
  for (int i = 0; i < 8; ++i) EXPECT_EQ(wide[i], one) << code;
  return one;
}

template <bool Signed>
void check_map() {
  const auto numbers = numbers_of(Signed);
  for (int code = 0; code < 256; ++code) {
    EXPECT_NEAR(decode<Signed>(code), numbers[code], 4e-7 * std::abs(numbers[code])) << code;
    EXPECT_EQ(encode<Signed>(decode<Signed>(code)), code);
  }
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << "the codes are in the order of their numbers";
  for (int n = 0; n < 20000; ++n) {
    const double size = std::pow(10.0, tilery_tests::draw(-7000, 0) / 1000.0);
    const float x = static_cast<float>(Signed && n % 2 ? -size : size);
    const int code = encode<Signed>(x);
    double nearest = 2;
    for (int other = 0; other < 256; ++other) {
      if (!Signed && other == 0) continue;  // a number above 0 does not become 0
      nearest = std::min(nearest, std::abs(numbers[other] - x));
    }
    EXPECT_NEAR(std::abs(numbers[code] - x), nearest, 1e-6 * size) << x;
    EXPECT_GE(numbers[code] * x, 0) << "no sign changes: " << x;
  }
}

TEST(dynamic_map, signed_numbers) {
  check_map<true>();
  EXPECT_EQ(encode<true>(0), 127);
  EXPECT_EQ(encode<true>(-0.0f), 127);
  EXPECT_EQ(encode<true>(1e-30f), 127);
  EXPECT_EQ(encode<true>(1), 255);
  EXPECT_EQ(encode<true>(-1), 0) << "-0.993 is the lowest number";
}

TEST(dynamic_map, numbers_that_are_not_negative) {
  check_map<false>();
  EXPECT_EQ(encode<false>(0), 0);
  EXPECT_EQ(encode<false>(1e-30f), 1) << "a second moment above 0 stays above 0";
  EXPECT_EQ(encode<false>(std::numeric_limits<float>::denorm_min()), 1);
  EXPECT_EQ(encode<false>(1), 255);
}

}  // namespace
