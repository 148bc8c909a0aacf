// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Optimizers with one tensor, for tests of update rules: their weights and gradients are given and read as doubles.
#pragma once

#include "tests/layouts.hpp"

#include <tilery/optimizer.hpp>

namespace tilery_tests {

using tilery::rule::lookahead;

/// Calls check(rule) for each rule of the library, with the states and scalars that it can have. With these rates
/// the rules solve the problem of optimizer_rules_test.
template <class Check>
void for_rules(Check&& check) {
  namespace rule = tilery::rule;
  check(rule::sgd{.rate = 0.2, .momentum = 0.9, .dampening = 0.5, .weight_decay = 1e-6});
  check(rule::adam{.rate = 0.2, .weight_decay = 1e-6, .amsgrad = true});
  check(rule::adamw{.rate = 0.2, .weight_decay = 1e-6});
  check(rule::nadam{.rate = 0.2, .weight_decay = 1e-6});
  check(rule::radam{.rate = 0.4, .weight_decay = 1e-6});
  check(rule::adagrad{.rate = 1, .rate_decay = 1e-3, .weight_decay = 1e-6, .initial_sum = 0.01});
  check(rule::rmsprop{.rate = 0.008, .weight_decay = 1e-6, .momentum = 0.9, .centered = true});
  check(rule::adadelta{.rate = 2, .epsilon = 1e-4, .weight_decay = 1e-6});
  check(rule::lion{.rate = 0.08, .weight_decay = 1e-6});
  check(rule::ademamix{.rate = 0.16, .beta3 = 0.99, .weight_decay = 1e-6, .alpha_steps = 20, .beta3_steps = 30});
  check(rule::schedule_free_adamw{.rate = 0.2, .weight_decay = 1e-6, .average_power = 1});
  check(lookahead<rule::nadam>{.inner = {.rate = 0.4}, .alpha = 0.5, .period = 4});
}

template <class T>
std::vector<T> elements_of(const std::vector<double>& numbers) {
  std::vector<T> values;
  for (const double x : numbers) values.push_back(tilery::convert<T>(static_cast<tilery::accumulator_t<T>>(x)));
  return values;
}

/// The saved elements of an optimizer are copied to those of another one, which then continues from there.
template <class Executor, class Optimizer>
void copy_saved(const Executor& executor, const Optimizer& from, const Optimizer& to) {
  const auto saved = from.saved_tensors(), resumed = to.saved_tensors();
  ASSERT_EQ(saved.size(), resumed.size());
  for (std::size_t i = 0; i < saved.size(); ++i) {
    EXPECT_EQ(saved[i].name, resumed[i].name);
    EXPECT_EQ(saved[i].extents, resumed[i].extents);
    const auto bytes = [](const tilery::optimizer_tensor& t) {
      std::int64_t size = t.element_bytes;
      for (const std::int64_t n : t.extents) size *= n;
      return tilery::vector(static_cast<std::int8_t*>(t.data), static_cast<int>(size));
    };
    tilery::copy_dense(executor, bytes(saved[i]), bytes(resumed[i]));
  }
}

/// A tensor of weights and its optimizer, in the memory of a fixture's executor (tests/executors.hpp).
template <class Fixture, class Rule, class W, class G = W>
class rule_run {
public:
  rule_run(const Fixture& on, const Rule& rule, const std::vector<double>& weights,
           tilery::optimizer_options options = {})
      : on_(on),
        weights_(on.put(elements_of<W>(weights))),
        gradient_(on.put(std::vector<G>(weights.size()))),
        optimizer(on.executor, std::vector{rule},
                  std::vector{tilery::parameter("w", weights_.view(), gradient_.view())}, options) {}

  void step(const std::vector<double>& gradient) {
    const std::vector<G> values = elements_of<G>(gradient);
    tilery::copy_dense(on_.executor, tilery::vector(values.data(), static_cast<int>(values.size())), gradient_);
    optimizer.step(on_.executor);
    on_.executor.wait();  // `values` end here
  }
  std::vector<double> weights() const {
    std::vector<double> all;
    for (const W x : on_.get(weights_)) all.push_back(as_double(x));
    return all;
  }
  /// The weights to evaluate with, if they are others.
  std::vector<double> evaluation_weights() const {
    if constexpr (requires(const Rule& r) { r.evaluation(); }) {
      const tilery::buffer<W> x(on_.executor, weights_.size());
      optimizer.write_evaluation_weights(on_.executor, 0, x.view());
      std::vector<double> all;
      for (const W value : on_.get(x)) all.push_back(as_double(value));
      return all;
    } else {
      return weights();
    }
  }

private:
  const Fixture& on_;
  tilery::buffer<W> weights_;
  tilery::buffer<G> gradient_;

public:
  tilery::optimizer<Rule, W, G> optimizer;
};

}  // namespace tilery_tests
