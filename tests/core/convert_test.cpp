// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conversions of half and bf16: every half, and drawn floats against the CUDA headers' own conversions; packs like
// scalars.
#include "tests/draw.hpp"

#include <tilery/core/convert.hpp>

#include <gtest/gtest.h>
#include <cmath>

namespace {

using namespace tilery;

template <class To>
To from_bits(std::uint16_t bits) {
  return reinterpret<To>(bits);
}
template <class T>
std::uint16_t bits_of(T value) {
  return reinterpret<std::uint16_t>(value);
}

TEST(convert, every_half_becomes_its_float_and_comes_back) {
  for (unsigned i = 0; i < 65536; ++i) {
    const half h = from_bits<half>(static_cast<std::uint16_t>(i));
    const float want = __half2float(h), got = convert<float>(h);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got)) << i;
    } else {
      EXPECT_EQ(reinterpret<std::uint32_t>(got), reinterpret<std::uint32_t>(want)) << i;
      EXPECT_EQ(bits_of(convert<half>(got)), i);
    }
  }
}

TEST(convert, every_bf16_becomes_its_float_and_comes_back) {
  for (unsigned i = 0; i < 65536; ++i) {
    const bf16 b = from_bits<bf16>(static_cast<std::uint16_t>(i));
    const float got = convert<float>(b);
    if (std::isnan(__bfloat162float(b))) {
      EXPECT_TRUE(std::isnan(got)) << i;
    } else {
      EXPECT_EQ(bits_of(convert<bf16>(got)), i);
    }
  }
}

TEST(convert, floats_round_to_nearest_even) {
  for (int i = 0; i < 1000000; ++i) {
    const float f = reinterpret<float>(static_cast<std::uint32_t>(tilery_tests::generator()()));
    if (std::isnan(f)) continue;
    EXPECT_EQ(bits_of(convert<half>(f)), bits_of(__float2half_rn(f))) << f;
    EXPECT_EQ(bits_of(convert<bf16>(f)), bits_of(__float2bfloat16_rn(f))) << f;
  }
  EXPECT_EQ(convert<float>(convert<half>(65519.0f)), 65504.0f);
  EXPECT_TRUE(std::isinf(convert<float>(convert<half>(65520.0f))));
  EXPECT_EQ(convert<float>(convert<half>(0x1p-25f)), 0.0f);  // a tie, to even
  EXPECT_EQ(convert<float>(convert<half>(0x1.8p-25f)), 0x1p-24f);
  EXPECT_TRUE(std::isnan(convert<float>(convert<half>(NAN))));
  EXPECT_TRUE(std::isnan(convert<float>(convert<bf16>(NAN))));
}

template <class T, int N>
void check_pack() {
  pack<float, N> x;
  for (int i = 0; i < N; ++i) x.set(i, reinterpret<float>(static_cast<std::uint32_t>(tilery_tests::generator()())));
  const auto narrow = convert<T>(x);
  const auto wide = convert<float>(narrow);
  for (int i = 0; i < N; ++i) {
    EXPECT_EQ(bits_of(narrow[i]), bits_of(convert<T>(x[i])));
    EXPECT_EQ(reinterpret<std::uint32_t>(wide[i]), reinterpret<std::uint32_t>(convert<float>(narrow[i])));
  }
}

TEST(convert, packs_like_scalars) {
  for (int i = 0; i < 10000; ++i) {
    check_pack<half, 4>();
    check_pack<half, 16>();
    check_pack<bf16, 2>();
    check_pack<bf16, 8>();
  }
}

}  // namespace
