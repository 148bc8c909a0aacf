// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The update rules: equal to PyTorch's (tests/golden/optimizer.txt, which make_optimizer.py of the same folder has
// written) or to the formulas of their papers, in training, resumed, with special numbers.
#include "tests/rule_runs.hpp"

#include "tests/golden/optimizer_text.hpp"  // golden_optimizer_text, made by CMake from optimizer.txt

#include <map>
#include <random>
#include <sstream>

namespace {

using namespace tilery;
using namespace tilery_tests;
using rows = std::vector<std::vector<double>>;

/// The file: rows of three numbers under each name.
std::map<std::string, rows> golden_rows() {
  std::map<std::string, rows> all;
  std::istringstream lines(golden_optimizer_text);
  rows* current = nullptr;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    if (std::isalpha(static_cast<unsigned char>(line[0]))) {
      std::string name;
      words >> name;
      current = &all[name];
    } else {
      current->emplace_back();
      for (double number; words >> number;) current->back().push_back(number);
    }
  }
  return all;
}

/// Calls check(name, rule) for each case of the file.
template <class Check>
void for_golden_cases(Check&& check) {
  check("sgd", rule::sgd{.rate = 0.05});
  check("sgd_decay", rule::sgd{.rate = 0.05, .weight_decay = 0.1});
  check("sgd_momentum", rule::sgd{.rate = 0.01, .momentum = 0.9, .dampening = 0.25, .weight_decay = 0.01});
  check("sgd_nesterov", rule::sgd{.rate = 0.01, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true});
  check("adam", rule::adam{.rate = 0.01});
  check("adam_decay", rule::adam{.rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.05});
  check("adam_amsgrad", rule::adam{.rate = 0.01, .beta1 = 0.8, .beta2 = 0.9, .weight_decay = 0.01, .amsgrad = true});
  check("adamw", rule::adamw{.rate = 0.01});
  check("adamw_decay", rule::adamw{.rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.5});
  check("adamw_amsgrad", rule::adamw{.rate = 0.01, .beta1 = 0.8, .beta2 = 0.9, .weight_decay = 0.1, .amsgrad = true});
  check("adamw_halving", rule::adamw{.rate = 0.02, .weight_decay = 0.5});
  check("nadam", rule::nadam{.rate = 0.01});
  check("nadam_decay",
        rule::nadam{.rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.05, .momentum_decay = 0.1});
  check("nadam_decoupled", rule::nadam{.rate = 0.01, .weight_decay = 0.5, .decoupled = true});
  check("radam", rule::radam{.rate = 0.01});
  check("radam_decay", rule::radam{.rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.05});
  check("radam_decoupled", rule::radam{.rate = 0.01, .weight_decay = 0.5, .decoupled = true});
  check("radam_never_adaptive", rule::radam{.rate = 0.01, .beta2 = 0.6});
  check("adagrad", rule::adagrad{.rate = 0.02});
  check("adagrad_decay", rule::adagrad{.rate = 0.05, .rate_decay = 0.1, .weight_decay = 0.05, .initial_sum = 0.5});
  check("rmsprop", rule::rmsprop{.rate = 0.005});
  check("rmsprop_decay", rule::rmsprop{.rate = 0.01, .alpha = 0.9, .epsilon = 1e-2, .weight_decay = 0.05});
  check("rmsprop_momentum", rule::rmsprop{.rate = 0.001, .weight_decay = 0.05, .momentum = 0.9});
  check("rmsprop_centered", rule::rmsprop{.rate = 0.005, .alpha = 0.9, .centered = true});
  check("rmsprop_centered_momentum", rule::rmsprop{.rate = 0.001, .alpha = 0.95, .momentum = 0.8, .centered = true});
  check("adadelta", rule::adadelta{});
  check("adadelta_decay", rule::adadelta{.rate = 0.5, .rho = 0.8, .epsilon = 1e-3, .weight_decay = 0.05});
  check("moving_average", rule::moving_average{.decay = 0.9});
}

/// The numbers again and again: some packs, and elements that do not fill one.
std::vector<double> repeated(const std::vector<double>& few, std::size_t size = 83) {
  std::vector<double> all;
  for (std::size_t i = 0; i < size; ++i) all.push_back(few[i % few.size()]);
  return all;
}

void expect_near_relative(double got, double want, double tolerance, const std::string& what) {
  EXPECT_NEAR(got, want, tolerance * std::abs(want)) << what;
}

/// Gradients that change their sizes and signs, the same in each run.
std::vector<double> drawn_gradient(int t, std::size_t size, double scale = 1) {
  std::mt19937 engine(static_cast<unsigned>(t));
  std::vector<double> all;
  for (std::size_t i = 0; i < size; ++i) {
    const double x = static_cast<double>(engine()) / 0x1p32 - 0.45;
    all.push_back(static_cast<float>(scale * x * (i % 3 == 0 ? 1 : i % 3 == 1 ? 0.1 : 0.01)));
  }
  return all;
}

template <class Executor>
class optimizer_rules_on : public on_executor<Executor> {
public:
  template <class T, class Rule>
  auto start(const Rule& rule, const std::vector<double>& weights) const {
    return rule_run<on_executor<Executor>, Rule, T>(*this, rule, weights);
  }

  template <class T, class Rule>
  void equals_golden(const std::string& name, const Rule& rule, const std::map<std::string, rows>& golden,
                     double tolerance) {
    const rows &want = golden.at(name), &gradients = golden.at("gradients");
    ASSERT_EQ(want.size(), 24u);
    auto run = start<T>(rule, repeated(golden.at("weights")[0]));
    for (std::size_t t = 0; t < want.size(); ++t) {
      if (name.ends_with("_halving")) run.optimizer.set_rate_factor(this->executor, 1.0 / (1 << t % 3));
      run.step(repeated(gradients[t]));
      const auto got = run.weights();
      for (std::size_t i = 0; i < got.size(); ++i)
        expect_near_relative(got[i], want[t][i % 3], tolerance,
                             name + ", " + element<T>::name + ", update " + std::to_string(t + 1));
    }
  }

  /// 24 updates of three weights, and of as many others that are the same, against `formula`, which makes one update of
  /// one weight in double: formula(t, i, g) returns the weight, and the evaluation weight.
  template <class Rule, class Formula>
  void equals_formula(const Rule& rule, Formula&& formula) {
    const std::vector<double> initial{1.5, -2, 0.75};
    auto in_double = start<double>(rule, repeated(initial));
    auto in_float = start<float>(rule, repeated(initial));
    for (int t = 1; t <= 24; ++t) {
      const auto gradient = drawn_gradient(t, 3);
      in_double.step(repeated(gradient)), in_float.step(repeated(gradient));
      const auto got = in_double.weights(), single = in_float.weights();
      const auto x = in_double.evaluation_weights(), single_x = in_float.evaluation_weights();
      for (std::size_t i = 0; i < 3; ++i) {
        const auto [want, want_x] = formula(t, i, gradient[i]);
        for (std::size_t j = i; j < got.size(); j += 3) {
          const std::string what = std::string(Rule::name) + ", update " + std::to_string(t);
          expect_near_relative(got[j], want, 1e-12, what);
          expect_near_relative(x[j], want_x, 1e-12, what);
          expect_near_relative(single[j], want, 1e-5, what);
          expect_near_relative(single_x[j], want_x, 1e-5, what);
        }
      }
    }
  }
};
TYPED_TEST_SUITE(optimizer_rules_on, executors);

TYPED_TEST(optimizer_rules_on, equal_pytorchs) {
  const auto golden = golden_rows();
  std::size_t cases = 0;
  for_golden_cases([&](const char* name, const auto& rule) {
    this->template equals_golden<double>(name, rule, golden, 1e-12);
    this->template equals_golden<float>(name, rule, golden, 1e-5);
    ++cases;
  });
  EXPECT_EQ(golden.size(), cases + 2) << "the weights, the gradients and the cases";
}

// Chen et al., arXiv 2302.06675, algorithm 2.
TYPED_TEST(optimizer_rules_on, lion_equals_its_paper) {
  const rule::lion rule{.rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.1};
  double w[] = {1.5, -2, 0.75}, m[3] = {};
  this->equals_formula(rule, [&](int, std::size_t i, double g) {
    const double c = 0.8 * m[i] + (1 - 0.8) * g;
    w[i] -= 0.01 * ((c > 0 ? 1 : -1) + 0.1 * w[i]);
    m[i] = 0.95 * m[i] + (1 - 0.95) * g;
    return std::pair(w[i], w[i]);
  });
}

// The sign of 0 is 0.
TYPED_TEST(optimizer_rules_on, lion_leaves_a_weight_without_gradient) {
  auto run = this->template start<float>(rule::lion{.rate = 0.5}, {1, 2, 3});
  run.step({0, 0, -7});
  EXPECT_EQ(run.weights(), (std::vector<double>{1, 2, 3.5}));
}

// Pagliardini et al., arXiv 2409.03137, algorithm 1 and its schedules, in which beta3 grows by its half-life
// log(0.5) / log(beta) - 1.
TYPED_TEST(optimizer_rules_on, ademamix_equals_its_paper) {
  for (const double beta1 : {0.8, 0.0}) {
    const rule::ademamix rule{.rate = 0.01,
                              .beta1 = beta1,
                              .beta2 = 0.95,
                              .beta3 = 0.99,
                              .alpha = 3,
                              .epsilon = 1e-4,
                              .weight_decay = 0.1,
                              .alpha_steps = 10,
                              .beta3_steps = 15};
    double w[] = {1.5, -2, 0.75}, m[3] = {}, s[3] = {}, v[3] = {};
    this->equals_formula(rule, [&](int t, std::size_t i, double g) {
      const double alpha = 3 * std::min(t / 10.0, 1.0), part = std::min(t / 15.0, 1.0);
      const double first_life = beta1 > 0 ? std::log(0.5) / std::log(beta1) - 1 : -1;
      const double last_life = std::log(0.5) / std::log(0.99) - 1;
      const double life = (1 - part) * first_life + part * last_life;
      const double beta3 = std::min(std::pow(0.5, 1 / (life + 1)), 0.99);
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      s[i] = beta3 * s[i] + (1 - beta3) * g;
      v[i] = 0.95 * v[i] + (1 - 0.95) * g * g;
      const double corrected_m = m[i] / (1 - std::pow(beta1, t)), corrected_v = v[i] / (1 - std::pow(0.95, t));
      w[i] -= 0.01 * ((corrected_m + alpha * s[i]) / (std::sqrt(corrected_v) + 1e-4) + 0.1 * w[i]);
      return std::pair(w[i], w[i]);
    });
  }
}

TYPED_TEST(optimizer_rules_on, ademamix_without_its_slow_average_is_adamw) {
  auto one = this->template start<float>(rule::ademamix{.rate = 0.01, .alpha = 0, .weight_decay = 0.1}, {1, 2, 3});
  auto other = this->template start<float>(rule::adamw{.rate = 0.01, .weight_decay = 0.1}, {1, 2, 3});
  EXPECT_EQ(one.optimizer.saved_tensors().size(), 3u) << "two states, and the scalars";
  for (int t = 1; t <= 20; ++t) {
    one.step(drawn_gradient(t, 3)), other.step(drawn_gradient(t, 3));
    const auto got = one.weights(), want = other.weights();
    for (int i = 0; i < 3; ++i) expect_near_relative(got[i], want[i], 1e-6, "update " + std::to_string(t));
  }
}

// Defazio et al., arXiv 2405.15682, algorithm 1, in its own three sequences x, y and z.
TYPED_TEST(optimizer_rules_on, schedule_free_adamw_equals_its_paper) {
  for (const double power : {0.0, 2.0}) {
    const rule::schedule_free_adamw rule{.rate = 0.02,
                                         .beta1 = 0.8,
                                         .beta2 = 0.95,
                                         .epsilon = 1e-4,
                                         .weight_decay = 0.1,
                                         .average_power = power};
    double x[] = {1.5, -2, 0.75}, z[] = {1.5, -2, 0.75}, v[3] = {}, sum[3] = {};
    this->equals_formula(rule, [&](int t, std::size_t i, double g) {
      const double y = (1 - 0.8) * z[i] + 0.8 * x[i];
      v[i] = 0.95 * v[i] + (1 - 0.95) * g * g;
      z[i] -= 0.02 * (g / (std::sqrt(v[i] / (1 - std::pow(0.95, t))) + 1e-4) + 0.1 * y);
      const double weight = std::pow(t, power) * 0.02 * 0.02;
      sum[i] += weight;
      const double c = weight / sum[i];
      x[i] = (1 - c) * x[i] + c * z[i];
      return std::pair((1 - 0.8) * z[i] + 0.8 * x[i], x[i]);
    });
  }
}

// Of each tensor of a list, with empty tensors among them.
TYPED_TEST(optimizer_rules_on, write_evaluation_weights_of_any_tensor) {
  const buffer<float> w = this->put(std::vector<float>(12, 1.0f)), g = this->put(std::vector<float>(12, 0.5f));
  const buffer<float> to = this->put(std::vector<float>(12, 7.0f));
  const auto part = [](const buffer<float>& b, int first, int rows, int columns) {
    return matrix(b.data_handle() + first, rows, columns);
  };
  const std::vector groups{rule::schedule_free_adamw{.rate = 0.1}, rule::schedule_free_adamw{.rate = 0.2}};
  std::vector<parameter<float>> all;
  all.emplace_back("", part(w, 0, 0, 3), part(g, 0, 0, 3), 0);
  all.emplace_back("", part(w, 0, 1, 5), part(g, 0, 1, 5), 0);
  all.emplace_back("", part(w, 0, 3, 0), part(g, 0, 3, 0), 1);
  all.emplace_back("", part(w, 5, 2, 3), part(g, 5, 2, 3), 1);
  optimizer o(this->executor, groups, all);
  for (int t = 0; t < 3; ++t) o.step(this->executor);
  const auto before = this->get(w);
  o.write_evaluation_weights(this->executor, 0, part(to, 0, 0, 3));
  o.write_evaluation_weights(this->executor, 2, part(to, 0, 3, 0));
  o.write_evaluation_weights(this->executor, 3, part(to, 5, 2, 3));
  const auto got = this->get(to);
  EXPECT_EQ(this->get(w), before) << "the trained weights stay as they are";
  auto alone = this->template start<float>(groups[1], {1});
  for (int t = 0; t < 3; ++t) alone.step({0.5});
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(got[i], i < 5 || i == 11 ? 7.0f : static_cast<float>(alone.evaluation_weights()[0])) << i;
  EXPECT_NE(alone.evaluation_weights(), alone.weights());
}

// The weight of an update in the average is the square of the largest rate so far.
TYPED_TEST(optimizer_rules_on, schedule_free_adamw_weighs_by_the_largest_rate) {
  auto run = this->template start<double>(rule::schedule_free_adamw{.rate = 0.1, .beta1 = 0.5}, {1});
  const double factors[] = {0, 0.5, 1, 0.25};
  double x = 1, z = 1, v = 0, sum = 0, largest = 0;
  for (int t = 1; t <= 4; ++t) {
    run.optimizer.set_rate_factor(this->executor, factors[t - 1]);
    run.step({0.5 * t});
    const double rate = 0.1 * factors[t - 1], g = 0.5 * t;
    largest = std::max(largest, rate);
    v = 0.999 * v + 0.001 * g * g;
    z -= rate * g / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
    sum += largest * largest;
    const double c = sum > 0 ? largest * largest / sum : 0;
    x = (1 - c) * x + c * z;
    expect_near_relative(run.weights()[0], 0.5 * z + 0.5 * x, 1e-12, "update " + std::to_string(t));
  }
}

// Zhang et al., arXiv 1907.08610, algorithm 1, around gradient descent with momentum.
TYPED_TEST(optimizer_rules_on, lookahead_equals_its_paper) {
  const lookahead<rule::sgd> rule{.inner = {.rate = 0.01, .momentum = 0.9}, .alpha = 0.75, .period = 5};
  double fast[] = {1.5, -2, 0.75}, slow[] = {1.5, -2, 0.75}, v[3] = {};
  this->equals_formula(rule, [&](int t, std::size_t i, double g) {
    v[i] = t == 1 ? g : 0.9 * v[i] + g;
    fast[i] -= 0.01 * v[i];
    if (t % 5 == 0) fast[i] = slow[i] += 0.75 * (fast[i] - slow[i]);
    return std::pair(fast[i], slow[i]);
  });
}

// |A w - b|^2 / 16 with 16 equations that 8 weights solve. The loss of the initial weights, 0, is above 1. The rate
// falls linearly to 0.
TYPED_TEST(optimizer_rules_on, solve_least_squares) {
  constexpr int equations = 16, unknowns = 8;
  std::mt19937 engine(1);
  const auto number = [&] { return static_cast<double>(engine()) / 0x1p31 - 1; };
  double a[equations][unknowns], b[equations] = {}, solution[unknowns];
  for (double& s : solution) s = 2 * number();
  for (int i = 0; i < equations; ++i)
    for (int j = 0; j < unknowns; ++j) a[i][j] = number(), b[i] += a[i][j] * solution[j];
  const auto loss = [&](const std::vector<double>& w, std::vector<double>* gradient = nullptr) {
    double sum = 0;
    if (gradient) gradient->assign(unknowns, 0);
    for (int i = 0; i < equations; ++i) {
      double error = -b[i];
      for (int j = 0; j < unknowns; ++j) error += a[i][j] * w[j];
      sum += error * error / equations;
      if (gradient)
        for (int j = 0; j < unknowns; ++j) (*gradient)[j] += 2 * a[i][j] * error / equations;
    }
    return sum;
  };
  EXPECT_GT(loss(std::vector<double>(unknowns)), 1);
  for_rules([&]<class Rule>(const Rule& rule) {
    auto run = this->template start<float>(rule, std::vector<double>(unknowns));
    std::vector<double> gradient;
    for (int t = 0; t < 200; ++t) {
      run.optimizer.set_rate_factor(this->executor, 1 - t / 200.0);
      loss(run.weights(), &gradient);
      run.step(gradient);
    }
    EXPECT_LT(loss(run.evaluation_weights()), 1e-3) << Rule::name << " after 200 updates";
  });
}

TYPED_TEST(optimizer_rules_on, resumed_equals_uninterrupted_to_the_bit) {
  for_rules([&]<class Rule>(const Rule& rule) {
    const std::vector<double> initial = repeated({1.5, -2, 0.75});
    auto whole = this->template start<float>(rule, initial);
    for (int t = 1; t <= 7; ++t) whole.step(drawn_gradient(t, initial.size()));
    auto resumed = this->template start<float>(rule, whole.weights());
    copy_saved(this->executor, whole.optimizer, resumed.optimizer);
    for (int t = 8; t <= 14; ++t) {
      whole.step(drawn_gradient(t, initial.size())), resumed.step(drawn_gradient(t, initial.size()));
      EXPECT_EQ(whole.weights(), resumed.weights()) << Rule::name << ", update " << t;
    }
    EXPECT_EQ(resumed.optimizer.steps(this->executor), 14);
    EXPECT_EQ(whole.evaluation_weights(), resumed.evaluation_weights()) << Rule::name;
    EXPECT_NE(whole.weights(), initial) << Rule::name;
  });
}

// The weights are those of a run with float weights, rounded.
TYPED_TEST(optimizer_rules_on, masters_are_the_weights_of_float) {
  const auto check = [&]<class W, class Rule>(W, const Rule& rule) {
    const std::vector<double> initial = repeated({1.5, -2, 0.75});
    rule_run<on_executor<TypeParam>, Rule, float, W> wide(*this, rule, initial);
    rule_run<on_executor<TypeParam>, Rule, W> narrow(*this, rule, initial);
    for (int t = 1; t <= 8; ++t) {
      wide.step(drawn_gradient(t, initial.size())), narrow.step(drawn_gradient(t, initial.size()));
      const auto got = narrow.weights(), x = narrow.evaluation_weights();
      const auto want = elements_of<W>(wide.weights()), want_x = elements_of<W>(wide.evaluation_weights());
      for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i], as_double(want[i])) << Rule::name << ", " << element<W>::name << ", update " << t;
        EXPECT_EQ(x[i], as_double(want_x[i])) << Rule::name << ", " << element<W>::name << ", update " << t;
      }
    }
  };
  check(bf16{}, rule::nadam{.rate = 1e-3});
  check(half{}, rule::lion{.rate = 1e-3});
  check(bf16{}, rule::schedule_free_adamw{.rate = 1e-3});
}

// 300 groups: the scalars of two launches' groups. The weight of each group is that of an optimizer of its own.
TYPED_TEST(optimizer_rules_on, keep_the_scalars_of_each_group) {
  std::vector<rule::nadam> groups;
  for (int i = 0; i < 300; ++i) groups.push_back({.rate = 0.01, .momentum_decay = 0.01 * i});
  const buffer<double> w = this->put(std::vector<double>(300, 1.0)), g = this->put(std::vector<double>(300, 0.5));
  std::vector<parameter<double>> all;
  for (int i = 0; i < 300; ++i) all.emplace_back("", vector(w.data_handle() + i, 1), vector(g.data_handle() + i, 1), i);
  optimizer o(this->executor, groups, all);
  for (int t = 0; t < 3; ++t) o.step(this->executor);
  const auto got = this->get(w);
  for (const int i : {0, 1, 31, 32, 255, 256, 299}) {
    auto alone = this->template start<double>(groups[i], {1});
    for (int t = 0; t < 3; ++t) alone.step({0.5});
    EXPECT_EQ(got[i], alone.weights()[0]) << "group " << i;
  }
  EXPECT_NE(got[0], got[299]);
  const optimizer_tensor saved = o.saved_tensors().back();
  EXPECT_EQ(saved.name, "nadam.groups");
  EXPECT_EQ(saved.extents, (std::vector<std::int64_t>{300, 1}));
}

// An update that is skipped, because its gradients are not finite, changes neither weights nor states nor the group's
// scalars.
TYPED_TEST(optimizer_rules_on, skipped_updates_leave_no_trace) {
  for_rules([&]<class Rule>(const Rule& rule) {
    using run_of_rule = rule_run<on_executor<TypeParam>, Rule, float>;
    run_of_rule skipping(*this, rule, {1, 2, 3}, {.skip_not_finite = true});
    run_of_rule all(*this, rule, {1, 2, 3}, {.skip_not_finite = true});
    for (int t = 1; t <= 8; ++t) {
      if (t == 1 || t == 5) skipping.step({NAN, 0, INFINITY});
      skipping.step(drawn_gradient(t, 3)), all.step(drawn_gradient(t, 3));
      EXPECT_EQ(skipping.weights(), all.weights()) << Rule::name << ", update " << t;
    }
    EXPECT_EQ(skipping.optimizer.skipped(this->executor), 2);
  });
}

// With a constant gradient the variance goes to 0, and rounding makes it negative for some of these gradients.
TYPED_TEST(optimizer_rules_on, rmsprop_takes_no_root_of_a_negative_variance) {
  const rule::rmsprop rule{.rate = 1e-9, .alpha = 0.5, .centered = true};
  auto run = this->template start<float>(rule, std::vector<double>(100, 1.0));
  std::vector<double> gradient;
  for (int i = 0; i < 100; ++i) gradient.push_back(1 + i / 101.0);
  for (int t = 0; t < 40; ++t) run.step(gradient);
  for (const double w : run.weights()) EXPECT_TRUE(std::isfinite(w));
}

TYPED_TEST(optimizer_rules_on, moving_averages_of_narrow_weights_are_float) {
  rule_run<on_executor<TypeParam>, rule::moving_average, float, bf16> run(*this, {.decay = 0.75}, {NAN, NAN, NAN});
  run.step({1, 2, 3});
  EXPECT_EQ(run.weights(), (std::vector<double>{1, 2, 3})) << "the first update copies";
  run.step({0, 2, 1.0 / 64});
  EXPECT_EQ(run.weights(), (std::vector<double>{0.75, 2, 2.25 + 1.0 / 256}));
}

TYPED_TEST(optimizer_rules_on, keep_special_numbers_apart) {
  for_rules([&]<class Rule>(const Rule& rule) {
    SCOPED_TRACE(Rule::name);
    auto run = this->template start<float>(rule, std::vector<double>(20, 1.0));
    auto finite = this->template start<float>(rule, std::vector<double>(20, 1.0));
    for (int t = 1; t <= 5; ++t) {
      std::vector<double> g(20, 0.5);
      finite.step(g);
      if (t == 2) g[3] = NAN, g[17] = INFINITY;
      if (t == 3) g[7] = 1e21;
      run.step(g);
    }
    const auto got = run.weights(), want = finite.weights();
    for (int i = 0; i < 20; ++i)
      if (i == 3)
        EXPECT_TRUE(std::isnan(got[i])) << "a NaN in a gradient reaches its weight";
      else if (i == 7)
        EXPECT_TRUE(std::isfinite(got[i])) << "the square of the gradient overflows, and the weight stays finite";
      else if (i != 17)
        EXPECT_EQ(got[i], want[i]) << i;

    Rule still = rule;
    if constexpr (requires { still.inner; })
      still.inner.rate = 0, still.period = 1000;
    else
      still.rate = 0;
    auto resting = this->template start<float>(still, {1, -2, INFINITY, 0.5});
    for (int t = 1; t <= 3; ++t) resting.step({1, NAN, INFINITY, 1e30});
    EXPECT_EQ(resting.weights(), (std::vector<double>{1, -2, INFINITY, 0.5})) << "with a rate of 0";
  });
}

}  // namespace
