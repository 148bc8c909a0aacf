// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The math functions against long double, in units in the last place, and at the ends of IEEE arithmetic.
#include "tests/draw.hpp"

#include <tilery/core/math.hpp>

#include <gtest/gtest.h>
#include <cmath>
#include <limits>

namespace {

using namespace tilery;

template <class T>
double units(T got, long double want) {
  const T near = static_cast<T>(want);
  const T step = std::nextafter(std::fabs(near), std::numeric_limits<T>::infinity()) - std::fabs(near);
  return static_cast<double>(std::fabs(got - want) / step);
}

template <class T, class F, class Reference>
double worst(F f, Reference reference, double low, double high) {
  double result = 0;
  for (int i = 0; i < 200000; ++i) {
    const T x = tilery_tests::draw_values<T>(1, low, high)[0];
    result = std::max(result, units(f(x), reference(static_cast<long double>(x))));
  }
  return result;
}

template <class T>
class math_of : public testing::Test {};
using floats = testing::Types<float, double>;
TYPED_TEST_SUITE(math_of, floats);

TYPED_TEST(math_of, stays_within_its_bounds) {
  using T = TypeParam;
  const auto e = [](long double x) { return expl(x); };
  const auto l = [](long double x) { return logl(x); };
  const auto t = [](long double x) { return tanhl(x); };
  const auto r = [](long double x) { return erfl(x); };
  const double top = sizeof(T) == 4 ? 88.7 : 709.7, bottom = sizeof(T) == 4 ? -87.3 : -708.3;
  EXPECT_LE(worst<T>(math::exp{}, e, bottom, top), 2);
  EXPECT_LE(worst<T>(math::exp{}, e, -1, 1), 2);
  EXPECT_LE(worst<T>(math::log{}, l, 0, 10), 2);
  EXPECT_LE(worst<T>(math::log{}, l, 0.99, 1.01), 2);
  EXPECT_LE(worst<T>(math::tanh{}, t, -10, 10), 4);
  EXPECT_LE(worst<T>(math::tanh{}, t, -0.01, 0.01), 4);
  EXPECT_LE(worst<T>(math::erf{}, r, -6, 6), 6);
  EXPECT_LE(worst<T>(math::erf{}, r, -0.01, 0.01), 6);
  EXPECT_LE(worst<T>(
                math::sqrt{}, [](long double x) { return sqrtl(x); }, 0, 100),
            0.51);
}

TYPED_TEST(math_of, propagates_infinity_and_nan) {
  using T = TypeParam;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  EXPECT_EQ(math::exp{}(inf), inf);
  EXPECT_EQ(math::exp{}(-inf), 0);
  EXPECT_EQ(math::exp{}(T(0)), 1);
  EXPECT_EQ(math::exp{}(T(1e30)), inf);
  EXPECT_EQ(math::exp{}(T(-1e30)), 0);
  EXPECT_EQ(math::log{}(T(0)), -inf);
  EXPECT_EQ(math::log{}(inf), inf);
  EXPECT_EQ(math::log{}(T(1)), 0);
  EXPECT_TRUE(std::isnan(math::log{}(T(-1))));
  EXPECT_EQ(math::tanh{}(inf), 1);
  EXPECT_EQ(math::tanh{}(-inf), -1);
  EXPECT_TRUE(std::signbit(math::tanh{}(T(-0.0))));
  EXPECT_EQ(math::erf{}(inf), 1);
  EXPECT_EQ(math::erf{}(-inf), -1);
  for (const T x : {math::exp{}(nan), math::log{}(nan), math::tanh{}(nan), math::erf{}(nan), math::sqrt{}(nan),
                    math::sqrt{}(T(-1))})
    EXPECT_TRUE(std::isnan(x));
}

TYPED_TEST(math_of, reaches_the_denormals) {
  using T = TypeParam;
  const T x = sizeof(T) == 4 ? T(-100) : T(-740);  // e^x has few bits left
  EXPECT_LE(units(math::exp{}(x), expl(x)), 1.01);
  const T tiny = std::numeric_limits<T>::denorm_min() * 1000;
  EXPECT_LE(units(math::log{}(tiny), logl(tiny)), 2);
}

TYPED_TEST(math_of, is_the_same_on_packs_to_the_bit) {
  using T = TypeParam;
  constexpr int n = vector_bytes() / sizeof(T);
  for (int i = 0; i < 1000; ++i) {
    const auto values = tilery_tests::draw_values<T>(n, -9, 9);
    pack<T, n> x;
    for (int j = 0; j < n; ++j) x.set(j, values[j]);
    for (int j = 0; j < n; ++j) {
      EXPECT_EQ(exp(x)[j], math::exp{}(values[j]));
      EXPECT_EQ(tanh(x)[j], math::tanh{}(values[j]));
      EXPECT_EQ(erf(x)[j], math::erf{}(values[j]));
      EXPECT_EQ(log(exp(x))[j], math::log{}(math::exp{}(values[j])));
      EXPECT_EQ(sqrt(exp(x))[j], math::sqrt{}(math::exp{}(values[j])));
    }
  }
}

}  // namespace
