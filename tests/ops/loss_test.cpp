// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fused softmax and cross-entropy against a double reference, and its gradient against finite differences.
#include "tests/layouts.hpp"

#include <tilery/loss.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

double log_sum_exp(const std::vector<double>& x) {
  double m = -INFINITY, s = 0;
  for (const double v : x) m = std::max(m, v);
  for (const double v : x) s += std::exp(v - m);
  return std::log(s) + m;
}

template <class Executor>
class cross_entropy_on : public on_executor<Executor> {
public:
  template <class T, class Label = std::int32_t>
  void check(int rows, int classes, layout how, bool in_place) {
    using S = accumulator_t<T>;
    const auto values = draw_values<T>(static_cast<std::size_t>(rows) * classes, -6, 6);
    std::vector<Label> label_values;
    for (int r = 0; r < rows; ++r) label_values.push_back(draw(0, classes - 1));
    if (rows > 2) label_values[1] = -100;
    const auto x = place(*this, values, rows, classes, how);
    const auto g = in_place ? placed<T>{} : place(*this, values, rows, classes, how);
    const auto labels = this->put(label_values);
    const auto losses = this->put(std::vector<S>(rows, S(-1)));
    softmax_cross_entropy(this->executor, x.read(), labels, losses, in_place ? x.view : g.view, {.scale = 0.25});
    const auto got_losses = this->get(losses);
    const auto got = gather(*this, in_place ? x : g);
    const double eps = 60 * unit_roundoff<S>() + (std::is_same_v<T, S> ? 0 : unit_roundoff<T>());
    for (int r = 0; r < rows; ++r) {
      std::vector<double> row;
      for (int c = 0; c < classes; ++c) row.push_back(as_double(values[r * classes + c]));
      const bool ignored = label_values[r] == -100;
      const double total = log_sum_exp(row), want = ignored ? 0 : total - row[label_values[r]];
      EXPECT_NEAR(got_losses[r], want, 60 * unit_roundoff<S>() * (1 + std::fabs(want)));
      for (int c = 0; c < classes; ++c) {
        const double p = std::exp(row[c] - total);
        const double slope = ignored ? 0 : (p - (c == label_values[r])) * 0.25;
        EXPECT_NEAR(as_double(got[r * classes + c]), slope, eps)
            << rows << " x " << classes << " " << name_of(how) << " " << element<T>::name;
      }
    }
  }
};
TYPED_TEST_SUITE(cross_entropy_on, executors);

TYPED_TEST(cross_entropy_on, is_right_for_every_type_layout_and_length) {
  for_types<double, float, half, bf16>([&]<class T>() {
    for (const int classes : {1, 2, 10, 33, 256, 257, 1000, 1024, 1501, 8203})
      this->template check<T>(draw(1, 5), classes, layouts[draw(0, 4)], draw(0, 1));
    this->template check<T, std::int64_t>(5, draw(1, 700), layouts[draw(0, 4)], draw(0, 1));
  });
  for (const layout how : layouts) this->template check<float>(5, 320, how, draw(0, 1));
  this->template check<float>(3, 50257, layout::dense, draw(0, 1));  // GPT-2's vocabulary
  this->template check<bf16>(2, 53251, layout::odd, draw(0, 1));
}

TYPED_TEST(cross_entropy_on, finds_the_label_in_and_between_packs) {
  // The first and last few columns lie outside of the packs of most rows, because a row has 35 floats.
  const int classes = 35;
  const auto values = draw_values<float>(static_cast<std::size_t>(classes) * classes);
  std::vector<std::int32_t> every_label;
  for (int r = 0; r < classes; ++r) every_label.push_back(r);
  const auto x = place(*this, values, classes, classes, layout::dense);
  const auto labels = this->put(every_label);
  const auto losses = this->put(std::vector<float>(classes));
  softmax_cross_entropy(this->executor, x.read(), labels, losses, x.view);
  const auto g = gather(*this, x);
  for (int r = 0; r < classes; ++r)
    for (int c = 0; c < classes; ++c) EXPECT_EQ(g[r * classes + c] < 0, c == r) << r << " " << c;
}

TYPED_TEST(cross_entropy_on, agrees_with_finite_differences) {
  const int classes = 7;
  auto values = draw_values<double>(classes);
  const auto labels = this->put(std::vector<std::int32_t>{3});
  const auto losses = this->put(std::vector<double>{0});
  const auto loss_at = [&](const std::vector<double>& at) {
    const auto x = place(*this, at, 1, classes, layout::dense);
    softmax_cross_entropy(this->executor, x.read(), labels, losses);
    return this->get(losses)[0];
  };
  const auto x = place(*this, values, 1, classes, layout::dense), g = place(*this, values, 1, classes, layout::dense);
  softmax_cross_entropy(this->executor, x.read(), labels, losses, g.view);
  const auto gradient = gather(*this, g);
  for (int c = 0; c < classes; ++c) {
    auto above = values, below = values;
    above[c] += 1e-5, below[c] -= 1e-5;
    EXPECT_NEAR(gradient[c], (loss_at(above) - loss_at(below)) / 2e-5, 1e-8);
  }
}

TYPED_TEST(cross_entropy_on, marks_rows_that_have_no_loss) {
  const auto x = place(*this, std::vector<float>{1, 2, 3, 1, NAN, 3, 1, 2, 3, 1, INFINITY, 3}, 4, 3, layout::dense);
  const auto labels = this->put(std::vector<std::int32_t>{3, 0, -1, 0});
  const auto losses = this->put(std::vector<float>(4));
  softmax_cross_entropy(this->executor, x.view, labels, losses, x.view);
  for (const float loss : this->get(losses)) EXPECT_TRUE(std::isnan(loss));
  const auto g = gather(*this, x);
  EXPECT_NEAR(g[0], 0.09003057, 1e-6) << "the softmax, where the label is no column";
  EXPECT_TRUE(std::isnan(g[3]));
}

TYPED_TEST(cross_entropy_on, knows_labels_of_64_bits_from_those_of_32) {
  // 2^32 + 1 is no column, and 2^32 - 100 is not the ignored -100, though their lower halves are
  const std::int64_t beyond = std::int64_t{1} << 32;
  const auto x = place(*this, std::vector<float>{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}, 4, 3, layout::dense);
  const auto labels = this->put(std::vector<std::int64_t>{beyond + 1, beyond - 100, -100, 1});
  const auto losses = this->put(std::vector<float>(4));
  softmax_cross_entropy(this->executor, x.view, labels, losses, x.view);
  const auto got = this->get(losses);
  EXPECT_TRUE(std::isnan(got[0]) && std::isnan(got[1]));
  EXPECT_EQ(got[2], 0);
  EXPECT_NEAR(got[3], 1.40760596, 1e-6);
  const auto g = gather(*this, x);
  EXPECT_NEAR(g[1], 0.24472847, 1e-6) << "the softmax, where the label is no column";
  EXPECT_EQ(g[7], 0);
  EXPECT_NEAR(g[10], 0.24472847 - 1, 1e-6);
}

TYPED_TEST(cross_entropy_on, has_no_gradient_with_a_scale_of_0) {
  const auto x = place(*this, std::vector<float>{1, NAN, 3, 1, INFINITY, 3}, 2, 3, layout::dense);
  const auto labels = this->put(std::vector<std::int32_t>{0, 1});
  const auto losses = this->put(std::vector<float>(2));
  softmax_cross_entropy(this->executor, x.view, labels, losses, x.view, {.scale = 0});
  EXPECT_EQ(gather(*this, x), std::vector<float>(6)) << "0 times NaN would be NaN";
  EXPECT_TRUE(std::isnan(this->get(losses)[0]));
}

TYPED_TEST(cross_entropy_on, adds_long_rows_without_a_long_chain) {
  for (const layout how : {layout::dense, layout::column_major}) {
    const int classes = 400000;
    std::vector<float> values(static_cast<std::size_t>(2) * classes, -0.7f);
    values[0] = values[classes + 1] = 0;
    const auto x = place(*this, values, 2, classes, how);
    const auto labels = this->put(std::vector<std::int32_t>{0, 1});
    const auto losses = this->put(std::vector<float>(2));
    softmax_cross_entropy(this->executor, x.read(), labels, losses);
    const double want = std::log1p(std::exp(double{-0.7f}) * (classes - 1));
    for (const float got : this->get(losses))
      EXPECT_NEAR(got, want, (2.2 * std::sqrt(classes) + 60) * unit_roundoff<float>()) << name_of(how);
  }
}

TYPED_TEST(cross_entropy_on, refuses_bad_input) {
  const auto x = place(*this, draw_values<float>(12), 3, 4, layout::dense),
             g = place(*this, draw_values<float>(12), 3, 4, layout::dense);
  const auto labels = this->put(std::vector<std::int32_t>(3)), short_labels = this->put(std::vector<std::int32_t>(2));
  const auto losses = this->put(std::vector<float>(3));
  const std::string op = "softmax_cross_entropy: ";
  EXPECT_REFUSED(softmax_cross_entropy(this->executor, x.view, short_labels, losses, g.view),
                 op + "labels has 2 elements; it must have 3, one for each row of the logits");
  EXPECT_REFUSED(softmax_cross_entropy(this->executor, x.view, labels, losses, matrix(g.view.pointer, 4, 3)),
                 op + "gradient is 4 x 3; it must be 3 x 4 like logits");
  EXPECT_REFUSED(softmax_cross_entropy(this->executor, x.view, labels, vector(x.view.pointer, 3), g.view),
                 op + "losses shares an element with logits; the two must not overlap");
  EXPECT_REFUSED(softmax_cross_entropy(this->executor, matrix(x.view.pointer, 3, 0), labels, losses),
                 op + "logits have no columns; a row must have at least one class");
  EXPECT_REFUSED(softmax_cross_entropy(this->executor, x.view, labels, losses, g.view, {.scale = NAN}),
                 op + "scale is nan; it must be a finite f32");
}

}  // namespace
