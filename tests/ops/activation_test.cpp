// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activations, forward and backward, against double formulas.
#include "tests/layouts.hpp"

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
                 "activate: y shares an element with x; the two must be apart, or exactly the same view");
  EXPECT_REFUSED(activate_backward<activation::relu>(this->executor, x.view, matrix<float>(nullptr, 3, 4), y.view),
                 "dy is a null view of size 3 x 4; it must point to its elements");
  activate<activation::relu>(this->executor, matrix<float>(nullptr, 0, 4), matrix<float>(nullptr, 0, 4));
}

}  // namespace
