// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activations, forward and backward, against double formulas.
#include "tests/layouts.hpp"
#include "tests/worst_error.hpp"

#include <tilery/activation.hpp>

#include <functional>

namespace {

using namespace tilery;
using namespace tilery_tests;
using formula = std::function<double(double)>;

template <class Executor>
class activation_on : public on_executor<Executor> {
public:
  template <class Activation, class T>
  void check(const formula& value, const formula& slope, int rows, int columns, layout how) {
    const auto x_values = draw_values<T>(static_cast<std::size_t>(rows) * columns, -5, 5),
               dy_values = draw_values<T>(x_values.size());
    const auto x = place(*this, x_values, rows, columns, how), y = place(*this, x_values, rows, columns, how),
               dy = place(*this, dy_values, rows, columns, how);
    activate<Activation>(this->executor, x.read(), y.view);
    activate_backward<Activation>(this->executor, x.read(), dy.read(), dy.view);
    const auto got = gather(*this, y), got_back = gather(*this, dy);
    const double eps = 16 * unit_roundoff<accumulator_t<T>>() + unit_roundoff<T>();
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double at = as_double(x_values[i]), want = value(at), want_back = as_double(dy_values[i]) * slope(at);
      EXPECT_NEAR(as_double(got[i]), want, eps * (1 + std::fabs(want))) << at;
      EXPECT_NEAR(as_double(got_back[i]), want_back, eps * (1 + std::fabs(want_back))) << at;
    }
  }
};
TYPED_TEST_SUITE(activation_on, executors);

double cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

const formula relu_value = [](double x) { return x > 0 ? x : 0; }, relu_slope = [](double x) { return x > 0 ? 1 : 0; };
const formula gelu_value = [](double x) { return x * cdf(x); },
              gelu_slope = [](double x) { return cdf(x) + x * density(x); };

TYPED_TEST(activation_on, is_right_for_every_type_and_layout) {
  for_types<double, float, half, bf16>([&]<class T>() {
    for (const layout how : layouts) {
      this->template check<activation::relu, T>(relu_value, relu_slope, draw(1, 5), draw(1, 300), how);
      this->template check<activation::gelu, T>(gelu_value, gelu_slope, draw(1, 5), draw(1, 300), how);
    }
  });
  this->template check<activation::gelu, float>(gelu_value, gelu_slope, 7, 3001, layout::dense);  // several blocks
  this->template check<activation::gelu, float>(gelu_value, gelu_slope, 3, 5000,
                                                layout::padded);  // several blocks a row
}

TYPED_TEST(activation_on, knows_its_formulas) {
  this->template check<activation::sigmoid, float>(
      logistic, [](double x) { return logistic(x) * (1 - logistic(x)); }, 3, 50, layout::dense);
  this->template check<activation::silu, float>([](double x) { return x * logistic(x); },
                                                [](double x) { return logistic(x) * (1 + x * (1 - logistic(x))); }, 3,
                                                50, layout::dense);
  const double c = std::sqrt(8 / M_PI);
  const auto gate = [c](double x) { return logistic(c * (x + 0.044715 * x * x * x)); };
  this->template check<activation::gelu_tanh, float>([&](double x) { return x * gate(x); },
                                                     [&](double x) {
                                                       return gate(x) + x * gate(x) * (1 - gate(x)) * c *
                                                                            (1 + 3 * 0.044715 * x * x);
                                                     },
                                                     3, 50, layout::dense);
  this->template check<activation::tanh, double>([](double x) { return std::tanh(x); },
                                                 [](double x) { return 1 - std::tanh(x) * std::tanh(x); }, 3, 50,
                                                 layout::dense);
  this->template check<activation::identity, float>([](double x) { return x; }, [](double) { return 1; }, 3, 50,
                                                    layout::dense);
}

using wide = long double;

/// An activation in long double, and the sum of the magnitudes of its derivative's terms. `steep` is by how much an
/// error of its argument, in units, is multiplied in the value's tail.
struct exact_activation {
  wide (*value)(wide);
  wide (*slope)(wide);
  wide (*terms)(wide);
  wide (*steep)(wide);
};
const wide root_2_over_pi = sqrtl(2 / M_PIl), density_at_0 = 1 / sqrtl(2 * M_PIl);
wide exact_density(wide x) { return density_at_0 * expl(-x * x / 2); }
wide exact_cdf(wide x) { return erfcl(-x / sqrtl(2)) / 2; }
wide exact_sigmoid(wide x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
wide twice_u(wide x) { return 2 * root_2_over_pi * (x + 0.044715L * x * x * x); }
wide slope_of_2u(wide x) { return 2 * root_2_over_pi * (1 + 3 * 0.044715L * x * x); }
wide no_argument(wide) { return 0; }
/// x or -x s (1 - s), which is 0 where both are large.
wide times_bell(wide x, wide s, wide other) { return s == 0 || other == 0 ? 0 : x * s * other; }

template <class Activation>
exact_activation exact() {
  namespace a = activation;
  if constexpr (std::is_same_v<Activation, a::relu>) {
    const auto step = [](wide x) -> wide { return x > 0; };
    return {[](wide x) { return x > 0 ? x : 0; }, step, step, no_argument};
  } else if constexpr (std::is_same_v<Activation, a::gelu>) {
    return {[](wide x) { return x * exact_cdf(x); }, [](wide x) { return exact_cdf(x) + x * exact_density(x); },
            [](wide x) { return exact_cdf(x) + fabsl(x) * exact_density(x); }, no_argument};
  } else if constexpr (std::is_same_v<Activation, a::sigmoid>) {
    const auto bell = [](wide x) { return exact_sigmoid(x) * exact_sigmoid(-x); };
    return {exact_sigmoid, bell, bell, no_argument};
  } else if constexpr (std::is_same_v<Activation, a::tanh>) {
    const auto bell = [](wide x) { return 4 * exact_sigmoid(2 * x) * exact_sigmoid(-2 * x); };
    return {[](wide x) { return tanhl(x); }, bell, bell, no_argument};
  } else if constexpr (std::is_same_v<Activation, a::silu>) {
    return {[](wide x) { return x * exact_sigmoid(x); },
            [](wide x) { return exact_sigmoid(x) + times_bell(x, exact_sigmoid(x), exact_sigmoid(-x)); },
            [](wide x) { return exact_sigmoid(x) + fabsl(times_bell(x, exact_sigmoid(x), exact_sigmoid(-x))); },
            no_argument};
  } else {
    return {[](wide x) { return x * exact_sigmoid(twice_u(x)); },
            [](wide x) {
              const wide z = twice_u(x);
              return exact_sigmoid(z) + times_bell(x * slope_of_2u(x), exact_sigmoid(z), exact_sigmoid(-z));
            },
            [](wide x) {
              const wide z = twice_u(x);
              return exact_sigmoid(z) + fabsl(times_bell(x * slope_of_2u(x), exact_sigmoid(z), exact_sigmoid(-z)));
            },
            [](wide x) { return x < 0 ? fabsl(twice_u(x)) : 0; }};
  }
}

/// Some numbers of every power of two, the denormals included, more of them where activations bend; both signs.
template <class T>
std::vector<T> every_power_of_two() {
  using S = accumulator_t<T>;
  const int lowest = std::is_same_v<T, double> ? -1074 : std::is_same_v<T, half> ? -24 : -149;
  const int highest = std::is_same_v<T, double> ? 1023 : std::is_same_v<T, half> ? 15 : 127;
  std::vector<T> result{convert<T>(S(0)), convert<T>(S(-0.0))};
  for (int e = lowest; e <= highest; ++e)
    for (const S fraction : draw_values<S>(e < -8 || e > 9 ? 4 : 400, 1, 2))
      for (const S sign : {S(1), S(-1)}) result.push_back(convert<T>(sign * std::ldexp(fraction, e) * S(0.999)));
  return result;
}

TYPED_TEST(activation_on, keeps_its_relative_accuracy_for_numbers_of_every_size) {
  const auto check = [&]<class Activation, class T>(const char* name) {
    using S = accumulator_t<T>;
    const auto formula = exact<Activation>();
    const auto values = every_power_of_two<T>();
    const int n = static_cast<int>(values.size());
    const auto x = place(*this, values, 1, n, layout::dense), y = place(*this, values, 1, n, layout::dense),
               dy = place(*this, std::vector<T>(values.size(), convert<T>(S(1))), 1, n, layout::dense);
    activate<Activation>(this->executor, x.read(), y.view);
    activate_backward<Activation>(this->executor, x.read(), dy.read(), dy.view);
    const auto got = gather(*this, y), got_slope = gather(*this, dy);
    const wide u = unit_roundoff<S>(), rounding = std::is_same_v<S, T> ? 0 : unit_roundoff<T>();
    const wide smallest = 3 * (std::is_same_v<T, half> ? 0x1p-24L
                                                       : 4 * std::is_same_v<T, bf16> * 0x1p-135L +
                                                             wide{std::numeric_limits<S>::denorm_min()});
    worst_error worst, worst_slope;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const wide at = as_double(values[i]), units = 10 + 4 * formula.steep(at);
      const auto distance = [&](T result, wide want, wide scale) {
        return static_cast<double>((fabsl(as_double(result) - want) - smallest) / (u * units + rounding) /
                                   (scale + 1e-4000L));
      };
      const wide want = formula.value(at), slope = formula.slope(at);
      worst.add(std::max(0.0, distance(got[i], want, fabsl(want))));
      worst_slope.add(std::max(0.0, distance(got_slope[i], slope, formula.terms(at))));
    }
    EXPECT_LE(worst.value(), 1) << name << " of " << element<T>::name;
    EXPECT_LE(worst_slope.value(), 1) << name << "' of " << element<T>::name;
  };
  for_types<double, float, half, bf16>([&]<class T>() {
    check.template operator()<activation::relu, T>("relu");
    check.template operator()<activation::gelu, T>("gelu");
    check.template operator()<activation::gelu_tanh, T>("gelu_tanh");
    check.template operator()<activation::silu, T>("silu");
    check.template operator()<activation::sigmoid, T>("sigmoid");
    check.template operator()<activation::tanh, T>("tanh");
  });
}

TYPED_TEST(activation_on, has_its_limits_at_infinity) {
  const auto x = place(*this, std::vector<float>{INFINITY, -INFINITY, NAN, -NAN}, 1, 4, layout::dense),
             y = place(*this, std::vector<float>(4), 1, 4, layout::dense);
  const auto ones = place(*this, std::vector<float>(4, 1), 1, 4, layout::dense);
  const auto check = [&]<class Activation>(float above, float below, float slope) {
    for (const bool back : {false, true}) {
      if (back)
        activate_backward<Activation>(this->executor, x.view, ones.view, y.view);
      else
        activate<Activation>(this->executor, x.view, y.view);
      const auto got = gather(*this, y);
      EXPECT_EQ(got[0], back ? slope : above);
      EXPECT_EQ(got[1], back ? 0 : below);
      EXPECT_TRUE(std::isnan(got[2]) && std::isnan(got[3]));
    }
  };
  check.template operator()<activation::relu>(INFINITY, 0, 1);
  check.template operator()<activation::gelu>(INFINITY, 0, 1);
  check.template operator()<activation::gelu_tanh>(INFINITY, 0, 1);
  check.template operator()<activation::silu>(INFINITY, 0, 1);
  check.template operator()<activation::sigmoid>(1, 0, 0);
  check.template operator()<activation::tanh>(1, -1, 0);
}

TYPED_TEST(activation_on, chooses_in_the_gradient_of_relu) {
  // 0 times infinity would be NaN
  const auto x = place(*this, std::vector<float>{-1, 0, 2, -3, 1, NAN}, 1, 6, layout::dense),
             dy = place(*this, std::vector<float>{INFINITY, -INFINITY, INFINITY, NAN, NAN, 1}, 1, 6, layout::dense);
  activate_backward<activation::relu>(this->executor, x.view, dy.view, dy.view);
  const auto dx = gather(*this, dy);
  EXPECT_EQ((std::vector<float>{dx.begin(), dx.begin() + 4}), (std::vector<float>{0, 0, INFINITY, 0}));
  EXPECT_TRUE(std::isnan(dx[4]) && std::isnan(dx[5]));
}

TYPED_TEST(activation_on, propagates_nan_and_infinity) {
  const auto x = place(*this, std::vector<float>{NAN, INFINITY, -INFINITY, 0}, 1, 4, layout::dense),
             y = place(*this, std::vector<float>(4), 1, 4, layout::dense);
  activate<activation::relu>(this->executor, x.view, y.view);
  const auto relu = gather(*this, y);
  EXPECT_TRUE(std::isnan(relu[0]));
  EXPECT_EQ(relu[1], INFINITY);
  EXPECT_EQ(relu[2], 0);
  activate_backward<activation::gelu_tanh>(this->executor,
                                           place(*this, std::vector<float>{NAN, 1e30f, -1e30f, 0}, 1, 4, layout::dense)
                                               .view,
                                           place(*this, std::vector<float>(4, 1), 1, 4, layout::dense).view, y.view);
  const auto slope = gather(*this, y);
  EXPECT_TRUE(std::isnan(slope[0]));
  EXPECT_EQ((std::vector<float>{slope.begin() + 1, slope.end()}), (std::vector<float>{1, 0, 0.5f}));
  activate<activation::gelu>(this->executor, x.view, y.view);
  const auto gelu = gather(*this, y);
  EXPECT_TRUE(std::isnan(gelu[0]));
  EXPECT_EQ(gelu[1], INFINITY);
  EXPECT_EQ(gelu[3], 0);
}

TYPED_TEST(activation_on, refuses_bad_input) {
  const auto x = place(*this, draw_values<float>(12), 3, 4, layout::dense),
             y = place(*this, draw_values<float>(12), 3, 4, layout::dense);
  EXPECT_REFUSED(activate<activation::relu>(this->executor, x.view, matrix(y.view.pointer, 4, 3)),
                 "activate: y is 4 x 3; it must be 3 x 4 like x");
  EXPECT_REFUSED(activate<activation::relu>(this->executor, x.view, transposed(matrix(x.view.pointer, 4, 3))),
                 "activate: y shares an element with x; the two must not overlap, or must be exactly the same view");
  EXPECT_REFUSED(activate_backward<activation::relu>(this->executor, x.view, matrix<float>(nullptr, 3, 4), y.view),
                 "dy is a null view of size 3 x 4; it must point to its elements");
  activate<activation::relu>(this->executor, matrix<float>(nullptr, 0, 4), matrix<float>(nullptr, 0, 4));
}

}  // namespace
