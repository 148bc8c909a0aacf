// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Counted random bits against Random123's known answers, and rounding by chance to each narrow type.
#include "tests/draw.hpp"

#include <gtest/gtest.h>

#include <tilery/core/philox.hpp>
#include <tilery/core/stochastic_round.hpp>

namespace {

using namespace tilery;

std::vector<std::uint32_t> words(philox_words counter, std::uint64_t key) {
  const philox_words result = philox(counter, key);
  return {result.word[0], result.word[1], result.word[2], result.word[3]};
}

// The lines "philox4x32 10" of Random123's kat_vectors.
TEST(philox, gives_the_known_answers) {
  EXPECT_EQ(words({{0, 0, 0, 0}}, 0), (std::vector<std::uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(words({{~0u, ~0u, ~0u, ~0u}}, ~0ull),
            (std::vector<std::uint32_t>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(words({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0x299f31d0a4093822ull),
            (std::vector<std::uint32_t>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

template <class T>
float rounded(float x, std::uint32_t random) {
  return stochastic_round<T>(splat<1>(x), splat<1>(random))[0];
}

template <class T>
class stochastic_round_to : public testing::Test {};
using narrow_types = testing::Types<half, bf16, fp8_e4m3, fp8_e5m2>;
TYPED_TEST_SUITE(stochastic_round_to, narrow_types);

TYPED_TEST(stochastic_round_to, changes_no_number_of_the_type) {
  using bits = typename element<TypeParam>::bits;
  const float largest = rounding_grid<TypeParam>::largest;
  float found = 0;
  for (std::uint32_t i = 0; i < 1u << 8 * sizeof(bits); ++i) {
    const auto x = convert<float>(reinterpret<TypeParam>(static_cast<bits>(i)));
    if (std::isfinite(x)) found = std::max(found, x);
    for (const std::uint32_t random : {0u, 0x80000000u, ~0u}) {
      const float got = rounded<TypeParam>(x, random);
      if (std::isnan(x))
        ASSERT_TRUE(std::isnan(got)) << i;
      else
        ASSERT_EQ(reinterpret<std::uint32_t>(got), reinterpret<std::uint32_t>(x)) << x;
    }
  }
  EXPECT_EQ(found, largest);
}

TYPED_TEST(stochastic_round_to, takes_both_neighbours_as_often_as_it_must) {
  using bits = typename element<TypeParam>::bits;
  const auto number = [](bits of) { return convert<float>(reinterpret<TypeParam>(of)); };
  for (int trial = 0; trial < 300; ++trial) {
    // Neighbours on the grid, denormals included, and a number between them.
    bits lower = static_cast<bits>(tilery_tests::draw(0, (1 << (8 * sizeof(bits) - 1)) - 1));
    if (trial < 40) lower = static_cast<bits>(trial % 10);
    const double a = number(lower), b = number(static_cast<bits>(lower + 1));
    if (!std::isfinite(a) || !std::isfinite(b)) continue;
    const float x = static_cast<float>(a + (b - a) * tilery_tests::draw(1, 15) / 16) * (trial % 2 ? 1.0f : -1.0f);
    const double chance = (std::fabs(x) - a) / (b - a);
    int up = 0;
    const int n = 1 << 12;
    for (int i = 0; i < n; ++i) {  // evenly spread
      const double got = rounded<TypeParam>(x, static_cast<std::uint32_t>(i) << 20) * (x < 0 ? -1.0 : 1.0);
      ASSERT_TRUE(got == a || got == b) << got << " for " << x;
      up += got == b;
    }
    EXPECT_NEAR(up, chance * n, 1.01) << x;
  }
}

TYPED_TEST(stochastic_round_to, is_the_same_in_wide_packs) {
  pack<float, 16> x;
  pack<std::uint32_t, 16> random;
  for (int i = 0; i < 16; ++i) {
    x.set(i, static_cast<float>(std::ldexp(tilery_tests::draw(-1000000, 1000000), tilery_tests::draw(-45, 0))));
    random.set(i, static_cast<std::uint32_t>(tilery_tests::generator()()));
  }
  const auto got = stochastic_round<TypeParam>(x, random);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(got[i], rounded<TypeParam>(x[i], random[i]));
}

TYPED_TEST(stochastic_round_to, leaves_what_is_beyond_to_the_conversion) {
  const float largest = rounding_grid<TypeParam>::largest, beyond = std::nextafter(largest, INFINITY);
  EXPECT_EQ(rounded<TypeParam>(std::nextafter(largest, 0.0f), 0), largest);
  EXPECT_EQ(rounded<TypeParam>(-beyond, 0), -beyond);
  EXPECT_EQ(rounded<TypeParam>(INFINITY, 0), INFINITY);
  EXPECT_TRUE(std::isnan(rounded<TypeParam>(NAN, 0)));
}

}  // namespace
