// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradients before an optimizer applies its rule to them: clipping by the norm, loss scaling, accumulation, and updates
// that are skipped.
#include "tests/tensor_lists.hpp"

#include <tilery/optimizer.hpp>

#include <limits>

namespace {

using namespace tilery;
using namespace tilery_tests;

constexpr dynamic_loss_scale scale_of_1024{.initial = 1024, .interval = 3};

template <class Executor>
class optimizer_scaling_on : public on_executor<Executor> {
public:
  /// Empty tensors first, in the middle and last; several chunks of the norm on each executor.
  static std::vector<int> sizes() { return {0, 1, 5, 0, 1000, 3, 20001, 64, 0, 0}; }

  template <class T>
  void overwrite(const tensors<T>& to, std::size_t i, std::size_t element, double value) const {
    std::vector<T> all = to.get(*this, i);
    all[element] = convert<T>(static_cast<accumulator_t<T>>(value));
    copy_dense(this->executor, vector(all.data(), all.size()), to.all[i]);
    this->executor.wait();
  }
  template <class T>
  std::vector<std::vector<double>> values_of(const tensors<T>& of) const {
    std::vector<std::vector<double>> all;
    for (std::size_t i = 0; i < of.all.size(); ++i) {
      all.emplace_back();
      for (const T x : of.get(*this, i)) all.back().push_back(as_double(x));
    }
    return all;
  }
  /// The bytes of an optimizer's saved tensors, with the scalars or without.
  template <class Optimizer>
  std::vector<std::vector<std::int8_t>> saved_bytes(const Optimizer& o, bool with_scalars = true) const {
    std::vector<std::vector<std::int8_t>> all;
    for (const optimizer_tensor& t : o.saved_tensors()) {
      if (!with_scalars && t.name.find(".scalars") != std::string::npos) continue;
      std::int64_t bytes = t.element_bytes;
      for (const std::int64_t extent : t.extents) bytes *= extent;
      all.emplace_back(static_cast<std::size_t>(bytes));
      copy_dense(this->executor, vector(static_cast<std::int8_t*>(t.data), bytes), vector(all.back().data(), bytes));
      this->executor.wait();
    }
    return all;
  }
};
TYPED_TEST_SUITE(optimizer_scaling_on, executors);

/// The gradients times a power of two.
template <class T>
std::vector<std::vector<T>> times_power(std::vector<std::vector<T>> all, double factor) {
  for (auto& one : all)
    for (T& x : one) x = convert<T>(static_cast<accumulator_t<T>>(as_double(x) * factor));
  return all;
}

// 16 gradients of 1: norm 4, exactly.
TYPED_TEST(optimizer_scaling_on, clips_by_the_norm_of_all_gradients) {
  const auto clipped = [&](optimizer_options o, double gradient = 1) {
    const tensors<double> w(*this, {{0}, {}, std::vector<double>(15), {}}),
        g(*this, {{gradient}, {}, std::vector<double>(15, gradient), {}});
    optimizer sgd(this->executor, std::vector{rule::sgd{.rate = 1}}, parameters_of(w, g), o);
    sgd.step(this->executor);
    EXPECT_EQ(sgd.norm(this->executor), 4 * gradient * o.gradient_factor);
    for (const double x : w.get(*this, 2)) EXPECT_EQ(x, w.get(*this, 0)[0]);
    return -w.get(*this, 0)[0];
  };
  EXPECT_EQ(clipped({.largest_norm = 2}), 2 / (4 + 1e-6));
  EXPECT_EQ(clipped({.largest_norm = 3.999}), 3.999 / (4 + 1e-6));
  EXPECT_EQ(clipped({.largest_norm = 4.5}), 1) << "the norm is smaller";
  EXPECT_EQ(clipped({.measure_norm = true}), 1);
  EXPECT_EQ(clipped({.gradient_factor = 0.25, .largest_norm = 0.5}), 0.25 * (0.5 / (1 + 1e-6)))
      << "the norm is that of the gradients times the factor";
  EXPECT_EQ(clipped({.largest_gradient = 0.125, .largest_norm = 2}), 0.125) << "by value after the norm";
  EXPECT_EQ(clipped({.largest_gradient = 0.75, .largest_norm = 2}), 2 / (4 + 1e-6)) << "by value after the norm";
  // deepmd-kit#5519
  EXPECT_NEAR(clipped({.largest_norm = 2}, 0x1p600), 0.5, 1e-15) << "no square overflows";
}

// Every element of every tensor is in the norm: the last tensors are empty (TransformerEngine#3202, #3207).
TYPED_TEST(optimizer_scaling_on, the_norm_is_that_of_all_tensors) {
  for (const int offset : {0, 1}) {
    const auto gradients = draw_tensors<bf16>(this->sizes());
    const tensors<float> w(*this, draw_tensors<float>(this->sizes()));
    const tensors<bf16> g(*this, gradients, offset);
    long double sum = 0;
    for (const auto& one : gradients)
      for (const bf16 x : one) sum += static_cast<long double>(as_double(x)) * as_double(x);
    const auto before = this->values_of(w);
    optimizer o(this->executor, std::vector{rule::sgd{.rate = 1}}, parameters_of(w, g), {.largest_norm = 1});
    o.step(this->executor);
    const double norm = static_cast<double>(std::sqrt(sum));
    EXPECT_NEAR(o.norm(this->executor), norm, norm * 1e-13);
    const auto after = this->values_of(w);
    const float factor = static_cast<float>(1 / (norm + 1e-6));
    for (std::size_t i = 0; i < after.size(); ++i)
      for (std::size_t j = 0; j < after[i].size(); ++j)
        EXPECT_NEAR(after[i][j], before[i][j] - factor * as_double(gradients[i][j]), 1e-7) << i << ", " << j;
  }
}

// Tables in memory: more tensors than fit the arguments of the update (some 400) and of the norm (some 1000).
TYPED_TEST(optimizer_scaling_on, clips_the_gradients_of_any_number_of_tensors) {
  const int count = 1040;
  std::vector<std::vector<double>> zeros, gradients;
  double sum = 0;
  for (int i = 0; i < count; ++i) {
    const int size = i % 64 ? 1 : 2;
    zeros.push_back(std::vector<double>(size)), gradients.push_back(std::vector<double>(size, 1.0 * i));
    sum += size * 1.0 * i * i;
  }
  zeros.emplace_back(), gradients.emplace_back();
  const tensors<double> w(*this, zeros), g(*this, gradients);
  optimizer o(this->executor, std::vector{rule::sgd{.rate = 1}}, parameters_of(w, g), {.largest_norm = 8});
  o.step(this->executor);
  EXPECT_EQ(o.norm(this->executor), std::sqrt(sum)) << "whole numbers below 2^53: exact";
  const double factor = 8 / (std::sqrt(sum) + 1e-6);
  for (const int i : {0, 1, 64, 500, 1039})
    EXPECT_EQ(w.get(*this, i), std::vector<double>(i % 64 ? 1 : 2, -(i * factor))) << i;
}

TYPED_TEST(optimizer_scaling_on, the_norm_of_no_gradients_is_0) {
  const std::vector<parameter<float>> none;
  optimizer o(this->executor, std::vector{rule::sgd{}}, none, {.largest_norm = 1, .loss_scaling = scale_of_1024});
  o.step(this->executor);
  EXPECT_EQ(o.norm(this->executor), 0);
  EXPECT_EQ(o.steps(this->executor), 1);
  const tensors<float> w(*this, {{}, {1, 2}}), g(*this, {{}, {0, 0}});
  optimizer zeros(this->executor, std::vector{rule::sgd{.rate = 1}}, parameters_of(w, g), {.largest_norm = 1});
  zeros.step(this->executor);
  EXPECT_EQ(zeros.norm(this->executor), 0);
  EXPECT_EQ(w.get(*this, 1), (std::vector<float>{1, 2}));
}

// pytorch#46849: an infinite norm makes finite gradients 0 and infinite ones NaN, unless a flag skips the update.
TYPED_TEST(optimizer_scaling_on, gradients_that_are_not_finite_without_loss_scaling) {
  const auto run = [&](std::vector<double> gradient, optimizer_options o, std::int64_t skipped = 0) {
    const tensors<double> w(*this, {std::vector<double>(gradient.size(), 1), {}}), g(*this, {gradient, {}});
    optimizer sgd(this->executor, std::vector{rule::sgd{.rate = 1}}, parameters_of(w, g), o);
    sgd.step(this->executor);
    EXPECT_EQ(sgd.skipped(this->executor), skipped);
    EXPECT_EQ(sgd.steps(this->executor), 1 - skipped);
    EXPECT_EQ(sgd.loss_scale(this->executor), 1);
    return w.get(*this, 0);
  };
  auto got = run({0.5, NAN, INFINITY}, {});
  EXPECT_EQ(got[0], 0.5);
  EXPECT_TRUE(std::isnan(got[1]));
  EXPECT_EQ(got[2], -INFINITY);
  got = run({0.5, INFINITY}, {.largest_norm = 1});
  EXPECT_EQ(got[0], 1) << "the factor is 0";
  EXPECT_TRUE(std::isnan(got[1]));
  got = run({0.5, NAN}, {.largest_norm = 1});
  EXPECT_TRUE(std::isnan(got[0]) && std::isnan(got[1]));
  for (const double bad : {double{NAN}, double{INFINITY}, -double{INFINITY}})
    EXPECT_EQ(run({0.5, bad, 2}, {.largest_norm = 1, .skip_not_finite = true}, 1), std::vector<double>(3, 1));
}

// A power of two as the scale: the same bits as without it, also with clipping, which comes after unscaling.
TYPED_TEST(optimizer_scaling_on, a_loss_scale_changes_no_bit_of_finite_updates) {
  const auto check = [&]<class W, class G>(const W&, const G&, optimizer_options o) {
    const auto weights = draw_tensors<W>(this->sizes());
    const auto gradients = draw_tensors<G>(this->sizes());
    const tensors<W> w(*this, weights), scaled_w(*this, weights);
    const tensors<G> g(*this, gradients), scaled_g(*this, times_power(gradients, 1024));
    const std::vector rules{rule::adamw{.rate = 0.01, .amsgrad = true}, rule::adamw{.rate = 0.02}};
    optimizer plain(this->executor, rules, parameters_of(w, g, 2), o);
    o.loss_scaling = dynamic_loss_scale{.initial = 1024};
    optimizer scaled(this->executor, rules, parameters_of(scaled_w, scaled_g, 2), o);
    for (int i = 0; i < 3; ++i) plain.step(this->executor), scaled.step(this->executor);
    EXPECT_EQ(this->values_of(w), this->values_of(scaled_w));
    EXPECT_NE(this->values_of(w), this->values_of(tensors<W>(*this, weights))) << "something happened";
    if (o.needs_norm() && o.largest_norm < 1e9)
      EXPECT_EQ(plain.norm(this->executor), scaled.norm(this->executor)) << "the norm is that of unscaled gradients";
    EXPECT_EQ(scaled.steps(this->executor), 3);
    EXPECT_EQ(scaled.skipped(this->executor), 0);
  };
  for (const optimizer_options& o : {optimizer_options{}, optimizer_options{.largest_norm = 0.5},
                                     optimizer_options{.largest_gradient = 0.25, .gradient_factor = 0.5}}) {
    check(float{}, float{}, o);
    check(bf16{}, float{}, o);
  }
  check(double{}, double{}, {.largest_norm = 0.5});
  check(half{}, bf16{}, {.narrow = narrow_weights::stochastic, .largest_norm = 0.5});
}

TYPED_TEST(optimizer_scaling_on, an_update_with_an_infinity_or_a_nan_is_skipped) {
  const auto check = [&]<class W, class G>(const W&, const G&, std::size_t tensor, std::size_t element, double bad,
                                           const auto& rule) {
    const tensors<W> w(*this, draw_tensors<W>(this->sizes()));
    const tensors<G> g(*this, draw_tensors<G>(this->sizes()));
    optimizer o(this->executor, std::vector{rule}, parameters_of(w, g),
                {.largest_norm = 1, .loss_scaling = scale_of_1024});
    o.step(this->executor);
    const auto weights = this->values_of(w);
    const auto states = this->saved_bytes(o, false);
    const double good = as_double(g.get(*this, tensor)[element]);
    this->overwrite(g, tensor, element, bad);
    o.step(this->executor);
    EXPECT_EQ(this->values_of(w), weights) << "tensor " << tensor << ", element " << element;
    EXPECT_EQ(this->saved_bytes(o, false), states);
    EXPECT_EQ(o.steps(this->executor), 1);
    EXPECT_EQ(o.skipped(this->executor), 1);
    EXPECT_EQ(o.loss_scale(this->executor), 512);
    EXPECT_FALSE(std::isfinite(o.norm(this->executor)));
    this->overwrite(g, tensor, element, good);
    o.step(this->executor);
    EXPECT_NE(this->values_of(w), weights) << "the next update is made";
    EXPECT_EQ(o.steps(this->executor), 2);
    EXPECT_EQ(o.skipped(this->executor), 1);
  };
  check(float{}, float{}, 1, 0, NAN, rule::adamw{.rate = 0.01});
  check(float{}, half{}, 6, 20000, INFINITY, rule::sgd{.rate = 0.01, .momentum = 0.5});
  check(bf16{}, bf16{}, 6, 16384, -INFINITY, rule::adamw{.rate = 0.01});
  check(half{}, float{}, 7, 63, NAN, rule::nadam{.rate = 0.01});  // keeps scalars for each group
  check(double{}, double{}, 4, 999, INFINITY, rule::schedule_free_adamw{.rate = 0.01});
}

// Finite gradients whose squares overflow in float: no update is skipped.
TYPED_TEST(optimizer_scaling_on, large_finite_gradients_are_not_infinite) {
  const tensors<float> w(*this, {{0, 0, 0, 0}}), g(*this, {{3e38f, -3e38f, 3e38f, -3e38f}});
  optimizer o(this->executor, std::vector{rule::sgd{.rate = 1}}, parameters_of(w, g),
              {.largest_norm = 1, .loss_scaling = scale_of_1024});
  o.step(this->executor);
  EXPECT_EQ(o.skipped(this->executor), 0);
  for (const float x : w.get(*this, 0)) EXPECT_NEAR(std::abs(x), 0.5, 1e-4);
}

TYPED_TEST(optimizer_scaling_on, the_scale_falls_to_its_smallest_and_rises_after_an_interval) {
  const tensors<float> w(*this, {{1}, {}}), g(*this, {{INFINITY}, {}});
  optimizer o(this->executor, std::vector(300, rule::sgd{.rate = 1}), parameters_of(w, g, 300),
              {.loss_scaling = dynamic_loss_scale{.initial = 16, .growth = 4, .interval = 3, .smallest = 3}});
  const auto steps = [&](std::vector<double> scales, float gradient) {
    this->overwrite(g, 0, 0, gradient);
    for (const double scale : scales) {
      o.step(this->executor);
      EXPECT_EQ(o.loss_scale(this->executor), scale);
    }
  };
  steps({8, 4, 3, 3}, INFINITY);
  steps({3, 3, 12, 12, 12}, 0);
  steps({6}, NAN);  // the good updates are counted anew
  steps({6, 6, 24, 24}, 0);
  EXPECT_EQ(o.skipped(this->executor), 5);
  EXPECT_EQ(o.steps(this->executor), 9);
  EXPECT_EQ(w.get(*this, 0)[0], 1);
  const auto view = o.loss_scale();
  double in_memory = 0;
  copy_dense(this->executor, view, vector(&in_memory, 1));
  this->executor.wait();
  EXPECT_EQ(in_memory, 24);
}

TYPED_TEST(optimizer_scaling_on, the_scale_stays_finite) {
  const tensors<float> w(*this, {{1}}), g(*this, {{1}});
  optimizer o(this->executor, std::vector{rule::sgd{}}, parameters_of(w, g),
              {.loss_scaling = dynamic_loss_scale{.initial = 0x1p125, .interval = 1}});
  for (int i = 0; i < 5; ++i) o.step(this->executor);
  EXPECT_EQ(o.loss_scale(this->executor), 0x1p127);
}

// The mean of 4 micro-batches: the gradients are their sum.
TYPED_TEST(optimizer_scaling_on, accumulated_gradients_are_divided_by_their_count) {
  const tensors<float> w(*this, {{1, 2}}), g(*this, {{4, 8}});
  optimizer o(this->executor, std::vector{rule::sgd{.rate = 1}}, parameters_of(w, g), {.gradient_factor = 0.25});
  o.step(this->executor);
  EXPECT_EQ(w.get(*this, 0), (std::vector<float>{0, 0}));
  // 4 micro-batches scaled by 1024, and the mean's norm of 2, clipped.
  const tensors<double> v(*this, {{0, 0, 0, 0}}), scaled(*this, {std::vector<double>(4, 4096)});
  optimizer clipped(this->executor, std::vector{rule::sgd{.rate = 1}}, parameters_of(v, scaled),
                    {.gradient_factor = 0.25, .largest_norm = 1, .loss_scaling = scale_of_1024});
  clipped.step(this->executor);
  EXPECT_EQ(clipped.norm(this->executor), 2);
  EXPECT_EQ(v.get(*this, 0)[0], -1 / 4096.0 * (1 / (2 + 1e-6)) * 4096);
}

TYPED_TEST(optimizer_scaling_on, continues_from_saved_tensors_to_the_bit) {
  const std::vector<int> sizes{100, 0, 7, 3000};
  const auto values = draw_tensors<bf16>(sizes);
  const tensors<bf16> w(*this, values);
  const tensors<float> g(*this, draw_tensors<float>(sizes));
  const std::vector rules{rule::adamw{.rate = 0.01}};
  const optimizer_options options{.largest_norm = 0.5, .loss_scaling = scale_of_1024};
  optimizer whole(this->executor, rules, parameters_of(w, g), options);
  const auto bad_step = [&](auto& o) {
    const double good = as_double(g.get(*this, 2)[6]);
    this->overwrite(g, 2, 6, NAN);
    o.step(this->executor);
    this->overwrite(g, 2, 6, good);
  };
  whole.step(this->executor);
  bad_step(whole);
  for (int i = 0; i < 2; ++i) whole.step(this->executor);
  whole.set_rate_factor(this->executor, 0.5);

  std::vector<std::vector<bf16>> saved_weights;
  for (std::size_t i = 0; i < sizes.size(); ++i) saved_weights.push_back(w.get(*this, i));
  const tensors<bf16> halfway(*this, saved_weights);
  optimizer resumed(this->executor, rules, parameters_of(halfway, g), options);
  const auto from = whole.saved_tensors(), to = resumed.saved_tensors();
  ASSERT_EQ(from.size(), to.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(from[i].name, to[i].name);
    const auto bytes = [](const optimizer_tensor& t) {
      return vector(static_cast<std::int8_t*>(t.data), t.element_bytes * t.extents[0]);
    };
    copy_dense(this->executor, bytes(from[i]), bytes(to[i]));
  }
  EXPECT_EQ(resumed.loss_scale(this->executor), 512);
  EXPECT_EQ(resumed.skipped(this->executor), 1);
  for (int i = 0; i < 2; ++i) whole.step(this->executor), resumed.step(this->executor);
  EXPECT_EQ(resumed.loss_scale(this->executor), 1024) << "the good updates before the save count";
  bad_step(whole), bad_step(resumed);
  EXPECT_EQ(this->values_of(w), this->values_of(halfway));
  EXPECT_EQ(this->saved_bytes(whole), this->saved_bytes(resumed));
}

TYPED_TEST(optimizer_scaling_on, refuses_bad_options) {
  const tensors<float> w(*this, {{1}}), g(*this, {{1}});
  const auto make = [&](const optimizer_options& o) {
    optimizer made(this->executor, std::vector{rule::sgd{}}, parameters_of(w, g), o);
  };
  const auto scale = [&](const dynamic_loss_scale& s) { make({.loss_scaling = s}); };
  const double nan = NAN, infinity = INFINITY;
  for (const double bad : {0.0, -1.0, nan, infinity, 1e39, 1e-50})
    EXPECT_REFUSED(make({.gradient_factor = bad}), "it must be above 0 and a finite f32");
  EXPECT_REFUSED(make({.gradient_factor = nan}), "sgd: gradient_factor is nan; it must be above 0 and a finite f32");
  for (const double bad : {0.0, -1.0, nan}) EXPECT_REFUSED(make({.largest_norm = bad}), "it must be above 0");
  EXPECT_REFUSED(make({.largest_norm = nan}), "sgd: largest_norm is nan; it must be above 0");
  for (const double bad : {0.0, 1e-40, nan, infinity})
    EXPECT_REFUSED(scale({.smallest = bad}), "it must be from 2^-126 to 2^127");
  EXPECT_REFUSED(scale({.smallest = nan}), "sgd: loss_scaling.smallest is nan; it must be from 2^-126 to 2^127");
  for (const double bad : {0.5, -1.0, nan, infinity})
    EXPECT_REFUSED(scale({.initial = bad}), "it must be at least 1, the smallest scale, and at most 2^127");
  EXPECT_REFUSED(scale({.initial = 0.5}), "sgd: loss_scaling.initial is 0.5; it must be at least 1");
  for (const double bad : {0.99, -1.0, nan, infinity})
    EXPECT_REFUSED(scale({.growth = bad}), "it must be from 1 to 2^127");
  EXPECT_REFUSED(scale({.growth = nan}), "sgd: loss_scaling.growth is nan; it must be from 1 to 2^127");
  for (const double bad : {0.0, 1.01, -1.0, nan})
    EXPECT_REFUSED(scale({.backoff = bad}), "it must be above 0 and at most 1");
  EXPECT_REFUSED(scale({.backoff = nan}), "sgd: loss_scaling.backoff is nan; it must be above 0 and at most 1");
  for (const int bad : {0, -5}) EXPECT_REFUSED(scale({.interval = bad}), "it must be at least 1");
  EXPECT_REFUSED(scale({.interval = 0}), "sgd: loss_scaling.interval is 0; it must be at least 1");
  optimizer o(this->executor, std::vector{rule::sgd{}}, parameters_of(w, g));
  EXPECT_REFUSED(o.norm(this->executor), "sgd: the norm of the gradients is not computed; set the option measure_norm");
}

}  // namespace
