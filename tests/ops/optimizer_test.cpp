// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Optimizers: several steps against the formulas in double.
#include "tests/layouts.hpp"

#include <tilery/optimizer.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class Executor>
class optimizer_on : public on_executor<Executor> {
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
        const double m_hat = m[i] / (1 - std::pow(o.beta1, o.step)), v_hat = v[i] / (1 - std::pow(o.beta2, o.step));
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
TYPED_TEST_SUITE(optimizer_on, executors);

TYPED_TEST(optimizer_on, adam_follows_its_formulas) {
  for (const int n : {1, 5, 64, 1000, 5003}) {
    this->template check_adam<float, float>(n, {.rate = 0.01}, 0);
    this->template check_adam<float, bf16>(n, {.rate = 0.01, .weight_decay = 0.1}, 0);
    this->template check_adam<double, double>(n, {.rate = 0.01, .weight_decay = 0.1, .decoupled = false}, 0);
    this->template check_adam<bf16, bf16>(n, {.rate = 0.01}, 1);
    this->template check_adam<half, float>(n, {.rate = 0.01}, 0);
    this->template check_adam<float, float>(n, {.rate = 0.01}, 3);
  }
}

TYPED_TEST(optimizer_on, adam_keeps_its_precision_with_a_beta_near_one) {
  const auto w = this->put(std::vector<float>{1}), g = this->put(std::vector<float>{0.5f}),
             m = this->put(std::vector<float>(1)), v = this->put(std::vector<float>(1));
  adam(this->executor, w, g, m, v, {.rate = 0.25, .beta2 = 0.99999});
  EXPECT_NEAR(this->get(w)[0], 0.75, 1e-6) << "the first step is the rate, whatever the betas";
  EXPECT_REFUSED(adam(this->executor, w, g, m, v, {.beta2 = 0.99999999}),
                 "adam: beta2 is 0.99999999; it must be at least 0 and below 1, in the type of the moments, too");
}

TYPED_TEST(optimizer_on, sgd_follows_its_formulas) {
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

TYPED_TEST(optimizer_on, refuses_bad_input) {
  const auto w = this->put(std::vector<float>(8)), g = this->put(std::vector<float>(8)),
             m = this->put(std::vector<float>(8)), v = this->put(std::vector<float>(7));
  const auto good = this->put(std::vector<float>(8));
  EXPECT_REFUSED(adam(this->executor, w, g, m, v, {}), "adam: second is 1 x 7; it must be 1 x 8 like weights");
  EXPECT_REFUSED(adam(this->executor, w, g, m, m, {}),
                 "adam: first shares an element with second; the two must be apart");
  EXPECT_REFUSED(adam(this->executor, w, g, m, good, {.beta1 = 1}),
                 "adam: beta1 is 1; it must be at least 0 and below 1");
  EXPECT_REFUSED(adam(this->executor, w, g, m, good, {.step = 0}), "adam: step is 0; it must be at least 1");
  EXPECT_REFUSED(adam(this->executor, w, g, m, good, {.rate = NAN}), "it must be at least 0");
  EXPECT_REFUSED(sgd(this->executor, w, g, {.momentum = 0.5}),
                 "sgd: momentum is 0.5 without a velocity; it needs a tensor like the weights, zeros at first");
  EXPECT_REFUSED(sgd(this->executor, transposed(matrix(w.data_handle(), 2, 4)), g, {}),
                 "sgd: weights has gaps between its elements; it must be dense");
  adam(this->executor, vector<float>(nullptr, 0), vector<float>(nullptr, 0), vector<float>(nullptr, 0),
       vector<float>(nullptr, 0), {});
}

}  // namespace
