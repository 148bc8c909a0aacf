// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sgd and adam of one tensor: several updates against the formulas in double.
#include "tests/layouts.hpp"

#include <tilery/update.hpp>
#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class Executor>
class update_on : public on_executor<Executor> {
public:
  template <class T, class G>
  void check_adam(int n, adam_options o, int offset) {
    using S = accumulator_t<T>;
    auto w_values = draw_values<T>(n);
    std::vector<double> w, m(n), v(n);
    for (const T x : w_values) w.push_back(as_double(x));
    const auto pad = [offset](auto values) {
      values.insert(values.begin(), offset, {});
      return values;
    };
    const auto weights = this->put(pad(w_values));
    const auto first = this->put(pad(std::vector<S>(n)));
    const auto second = this->put(pad(std::vector<S>(n)));
    const auto weights_part = rebased(weights, offset, n);
    const auto first_part = rebased(first, offset, n), second_part = rebased(second, offset, n);
    for (o.step = 1; o.step <= 4; ++o.step) {
      const auto g_values = draw_values<G>(n);
      const auto gradient = this->put(pad(g_values));
      adam(this->executor, weights_part, rebased(gradient, offset, n), first_part, second_part, o);
      for (int i = 0; i < n; ++i) {
        const double g = as_double(g_values[i]) + (o.decoupled ? 0 : o.weight_decay * w[i]);
        m[i] = o.beta1 * m[i] + (1 - o.beta1) * g;
        v[i] = o.beta2 * v[i] + (1 - o.beta2) * g * g;
        const double c1 = o.bias_correction ? 1 - std::pow(o.beta1, o.step) : 1,
                     c2 = o.bias_correction ? 1 - std::pow(o.beta2, o.step) : 1;
        const double m_hat = m[i] / c1, v_hat = v[i] / c2;
        w[i] = w[i] * (o.decoupled ? 1 - o.rate * o.weight_decay : 1) - o.rate * m_hat / (std::sqrt(v_hat) + o.epsilon);
      }
      this->executor.wait();
    }
    const auto got = this->get(weights);
    for (int i = 0; i < n; ++i)
      EXPECT_NEAR(as_double(got[i + offset]), w[i], 4 * unit_roundoff<T>() + 64 * unit_roundoff<S>());
    for (int i = 0; i < offset; ++i) EXPECT_EQ(as_double(got[i]), 0) << "in front of the weights";
  }

  template <class T>
  vector_view<T> rebased(const buffer<T>& all, int offset, int n) const {
    return vector(all.data_handle() + offset, n);
  }
};
TYPED_TEST_SUITE(update_on, executors);

TYPED_TEST(update_on, adam_follows_its_formulas) {
  for (const int n : {1, 5, 64, 1000, 5003}) {
    this->template check_adam<float, float>(n, {.rate = 0.01}, 0);
    this->template check_adam<float, bf16>(n, {.rate = 0.01, .weight_decay = 0.1}, 0);
    this->template check_adam<double, double>(n, {.rate = 0.01, .weight_decay = 0.1, .decoupled = false}, 0);
    this->template check_adam<bf16, bf16>(n, {.rate = 0.01}, 1);
    this->template check_adam<half, float>(n, {.rate = 0.01}, 0);
    this->template check_adam<float, float>(n, {.rate = 0.01}, 3);
    this->template check_adam<float, float>(n, {.rate = 0.01, .bias_correction = false}, 0);
    this->template check_adam<float, float>(n, {.rate = 0.01, .beta1 = 0, .beta2 = 0}, 0);
  }
}

TYPED_TEST(update_on, adam_keeps_its_precision_with_a_beta_near_one) {
  const auto w = this->put(std::vector<float>{1}), g = this->put(std::vector<float>{0.5f}),
             m = this->put(std::vector<float>(1)), v = this->put(std::vector<float>(1));
  adam(this->executor, w, g, m, v, {.rate = 0.25, .beta2 = 0.99999});
  EXPECT_NEAR(this->get(w)[0], 0.75, 1e-6) << "the first step is the rate, whatever the betas";
  EXPECT_REFUSED(adam(this->executor, w, g, m, v, {.beta2 = 0.99999999}),
                 "adam: beta2 is 0.99999999; it must be at least 0 and below 1, also after rounding to the type of "
                 "the moments");
}

// 0 times infinity would be NaN.
TYPED_TEST(update_on, an_option_of_0_takes_no_part) {
  const auto zero = this->put(std::vector<float>(3)), g = this->put(std::vector<float>{0, 0, 1});
  const auto check = [&](const auto& step, const std::vector<float>& want) {
    const auto w = this->put(std::vector<float>{-INFINITY, 2, -INFINITY}), m = this->put(std::vector<float>(3)),
               v = this->put(std::vector<float>(3));
    step(w, m, v);
    EXPECT_EQ(this->get(w), want);
  };
  const std::vector<float> same{-INFINITY, 2, -INFINITY};
  for (const bool decoupled : {false, true})
    check([&](auto& w, auto& m, auto& v) { adam(this->executor, w, g, m, v, {.decoupled = decoupled}); }, same);
  check([&](auto& w, auto&, auto&) { sgd(this->executor, w, g, {}); }, same);
  check([&](auto& w, auto& m, auto&) { sgd(this->executor, w, g, m, {.momentum = 0.5}); }, same);

  // A rate of 0 leaves the weights as they are, whatever the gradient; moments go on.
  const auto wild = this->put(std::vector<float>{INFINITY, NAN, 1});
  for (const bool decoupled : {false, true})
    check(
        [&](auto& w, auto& m, auto& v) {
          adam(this->executor, w, wild, m, v, {.rate = 0, .weight_decay = 0.5, .decoupled = decoupled});
          EXPECT_TRUE(std::isnan(this->get(m)[1]));
        },
        same);
  check([&](auto& w, auto& m, auto&) { sgd(this->executor, w, wild, m, {.rate = 0, .momentum = 0.5}); }, same);

  // A beta of 0 keeps nothing of a moment that has overflowed.
  const auto old = this->put(std::vector<float>{INFINITY, NAN, -INFINITY});
  const auto w = this->put(std::vector<float>(3)), ones = this->put(std::vector<float>(3, 1));
  adam(this->executor, w, ones, old, this->put(std::vector<float>(3)), {.rate = 0.25, .beta1 = 0});
  for (const float x : this->get(w)) EXPECT_NEAR(x, -0.25, 1e-6);
  adam(this->executor, w, ones, this->put(std::vector<float>(3)), this->put(std::vector<float>{INFINITY, NAN, 1}),
       {.rate = 0.25, .beta2 = 0});
  for (const float x : this->get(w)) EXPECT_NEAR(x, -0.5, 1e-6);
}

TYPED_TEST(update_on, adam_squares_no_more_than_it_must) {
  // g^2 and v / (1 - beta2) are beyond float's 3.4e38; (1 - beta2) g^2 is not
  for (const float size : {2e19f, 1e20f, 5e20f}) {
    const auto w = this->put(std::vector<float>{1, 1}), g = this->put(std::vector<float>{size, -size}),
               m = this->put(std::vector<float>(2)), v = this->put(std::vector<float>(2));
    adam(this->executor, w, g, m, v, {.rate = 0.25});
    EXPECT_NEAR(this->get(w)[0], 0.75, 1e-6) << size;
    EXPECT_NEAR(this->get(w)[1], 1.25, 1e-6) << size;
    EXPECT_NEAR(this->get(v)[0], 0.001 * size * static_cast<double>(size), 1e-6 * 0.001 * size * double{size});
  }
}

TYPED_TEST(update_on, sgd_follows_its_formulas) {
  for (const bool nesterov : {false, true})
    for (const double momentum : {0.0, 0.9}) {
      const int n = draw(1, 3000);
      const sgd_options o{.rate = 0.1, .momentum = momentum, .weight_decay = 0.01, .nesterov = nesterov};
      const auto values = draw_values<float>(n);
      std::vector<double> w(values.begin(), values.end()), v(n);
      const auto weights = this->put(values), velocity = this->put(std::vector<float>(n));
      for (int step = 0; step < 3; ++step) {
        const auto g_values = draw_values<float>(n);
        const auto gradient = this->put(g_values);
        if (momentum == 0)
          sgd(this->executor, weights, gradient, o);
        else
          sgd(this->executor, weights, gradient, velocity, o);
        for (int i = 0; i < n; ++i) {
          const double g = g_values[i] + o.weight_decay * w[i];
          v[i] = momentum * v[i] + g;
          w[i] -= o.rate * (momentum == 0 ? g : nesterov ? g + momentum * v[i] : v[i]);
        }
        this->executor.wait();
      }
      const auto got = this->get(weights);
      for (int i = 0; i < n; ++i) EXPECT_NEAR(got[i], w[i], 1e-6);
    }
}

TYPED_TEST(update_on, refuses_bad_input) {
  const auto w = this->put(std::vector<float>(8)), g = this->put(std::vector<float>(8)),
             m = this->put(std::vector<float>(8)), v = this->put(std::vector<float>(7));
  const auto good = this->put(std::vector<float>(8));
  EXPECT_REFUSED(adam(this->executor, w, g, m, v, {}), "adam: second is 1 x 7; it must be 1 x 8 like weights");
  EXPECT_REFUSED(adam(this->executor, w, g, m, m, {}),
                 "adam: first shares an element with second; the two must not overlap");
  EXPECT_REFUSED(adam(this->executor, w, g, m, good, {.beta1 = 1}),
                 "adam: beta1 is 1; it must be at least 0 and below 1");
  EXPECT_REFUSED(adam(this->executor, w, g, m, good, {.step = 0}), "adam: step is 0; it must be at least 1");
  const auto adam_with = [&](adam_options o) { adam(this->executor, w, g, m, good, o); };
  const auto sgd_with = [&](sgd_options o) { sgd(this->executor, w, g, m, o); };
  const std::string finite = "; it must be at least 0 and a finite f32", share = "; it must be at least 0 and below 1";
  EXPECT_REFUSED(adam_with({.rate = NAN}), "adam: rate is nan" + finite);
  EXPECT_REFUSED(adam_with({.rate = INFINITY}), "adam: rate is inf" + finite);
  EXPECT_REFUSED(adam_with({.rate = 1e39}), "adam: rate is 1e+39" + finite);
  EXPECT_REFUSED(adam_with({.rate = -1}), "adam: rate is -1" + finite);
  EXPECT_REFUSED(adam_with({.beta1 = NAN}), "adam: beta1 is nan" + share);
  EXPECT_REFUSED(adam_with({.beta2 = -0.5}), "adam: beta2 is -0.5" + share);
  EXPECT_REFUSED(adam_with({.epsilon = NAN}), "adam: epsilon is nan" + finite);
  EXPECT_REFUSED(adam_with({.epsilon = -1e-8}), "adam: epsilon is -1e-08" + finite);
  EXPECT_REFUSED(adam_with({.weight_decay = NAN}), "adam: weight_decay is nan" + finite);
  EXPECT_REFUSED(adam_with({.weight_decay = -0.1}), "adam: weight_decay is -0.1" + finite);
  EXPECT_REFUSED(sgd_with({.rate = INFINITY}), "sgd: rate is inf" + finite);
  EXPECT_REFUSED(sgd_with({.momentum = NAN}), "sgd: momentum is nan" + finite);
  EXPECT_REFUSED(sgd_with({.momentum = -0.5}), "sgd: momentum is -0.5" + finite);
  EXPECT_REFUSED(sgd_with({.weight_decay = NAN}), "sgd: weight_decay is nan" + finite);
  EXPECT_REFUSED(sgd_with({.weight_decay = -0.1}), "sgd: weight_decay is -0.1" + finite);
  EXPECT_EQ(this->get(w), std::vector<float>(8)) << "nothing was written";
  EXPECT_REFUSED(sgd(this->executor, w, g, {.momentum = 0.5}),
                 "sgd: momentum is 0.5 without a velocity; the velocity must be a tensor of the weights' shape, "
                 "initially zeros");
  EXPECT_REFUSED(sgd(this->executor, transposed(matrix(w.data_handle(), 2, 4)), g, {}),
                 "sgd: weights has gaps between its elements; it must be dense");
  adam(this->executor, vector<float>(nullptr, 0), vector<float>(nullptr, 0), vector<float>(nullptr, 0),
       vector<float>(nullptr, 0), {});
}

#ifndef __CUDACC__
/// Notes what would be launched.
struct notes_launches : launches_nothing<cpu> {
  using launches_nothing<cpu>::launches_nothing;
  mutable std::int64_t size = 0, blocks = 0;

  template <class Kernel, class Params>
  void run(index3 grid, const Params& p, const operands&, where) const {
    size = p.table.tensor.size, blocks = grid.volume();
  }
};

TEST(update, tensors_of_more_than_2_to_the_31_elements_are_matrices) {
  const cpu host;
  const notes_launches executor(host);
  const auto far = [](int tera) { return reinterpret_cast<float*>(std::int64_t{tera} << 42); };
  const auto half_at = [](int tera) { return reinterpret_cast<half*>(std::int64_t{tera} << 42); };
  constexpr std::int64_t size = std::int64_t{3} << 32;
  // the gradient has its own rank
  sgd(executor, matrix(half_at(1), 3 << 12, 1 << 20), tensor_view<half, 3>(half_at(2), 3 << 10, 1 << 12, 1 << 10), {});
  EXPECT_EQ(executor.size, size);
  EXPECT_EQ(executor.blocks, size / 4096);
  const auto square = [&](int tera) { return matrix(far(tera), 1 << 16, 3 << 16); };
  adam(executor, square(1), square(2), square(3), square(4), {});
  EXPECT_EQ(executor.size, size);
  EXPECT_REFUSED(adam(executor, square(1), square(2), square(3), matrix(far(4), 1 << 17, 3 << 16), {}),
                 "adam: second is 131072 x 196608; it must be 65536 x 196608 like weights");
  EXPECT_REFUSED(sgd(executor, square(1), matrix(far(2), 1 << 20, (3 << 12) + 1), {}),
                 "sgd: gradient has 12885950464 elements; it must have as many as the weights");
  EXPECT_REFUSED(sgd(executor, square(1), vector(far(2), 5), {}), "sgd: gradient is 1 x 5; it must be 65536 x 196608");
}
#endif

// The largest gradient there is makes an infinite second moment: the weight stays, and is a number.
TYPED_TEST(update_on, the_largest_gradients_leave_numbers) {
  const float most = std::numeric_limits<float>::max();
  for (const double beta1 : {0.0, 0.1, 0.3, 0.9, 0.99, 0.999}) {
    const auto w = this->put(std::vector<float>(4, 1.0f)), g = this->put(std::vector<float>{most, -most, most / 2, 1}),
               m = this->put(std::vector<float>(4)), v = this->put(std::vector<float>(4));
    adam(this->executor, w, g, m, v, {.rate = 0.5, .beta1 = beta1});
    for (const float x : this->get(w)) EXPECT_TRUE(std::isfinite(x)) << beta1;
  }
}

}  // namespace
