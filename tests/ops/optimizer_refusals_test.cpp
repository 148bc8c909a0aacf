// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rules that an optimizer refuses: each hyperparameter outside of its domain, with the domain.
#include "tests/rule_runs.hpp"

#include <tilery/cpu.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class Rule>
void make(const Rule& rule) {
  std::vector<float> w(3), g(3);
  optimizer made(cpu(), std::vector{rule}, std::vector{parameter("w", vector(w.data(), 3), vector(g.data(), 3))});
}

/// Numbers that a hyperparameter must not be, one that it can be, and the words for its domain.
struct domain {
  std::vector<double> wrong;
  double good;
  const char* words;
};
const domain at_least_0{{-1e-30, -INFINITY, INFINITY, 1e39}, 0, "at least 0 and a finite f32"};
const domain above_0{{0, -1, INFINITY, 1e39}, 1e-30, "above 0 and a finite f32"};
const domain share{{-0.1, 1, 1.5, 1 - 1e-9, INFINITY},  // float has no number between 1 - 1e-9 and 1
                   0,
                   "at least 0 and below 1, also after rounding to the type of the moments"};

/// The hyperparameter must be in its domain. NaN is in none.
template <class Rule>
void expect_domain(const char* name, double Rule::*member, const domain& of) {
  for (double value : of.wrong) {
    Rule rule;
    rule.*member = value;
    const std::string found = refusal([&] { make(rule); });
    EXPECT_EQ(found.find(std::string(Rule::name) + ": " + name + " is "), 0u) << found;
    EXPECT_NE(found.find(std::string("; it must be ") + of.words), std::string::npos) << value << ": " << found;
  }
  Rule rule;
  rule.*member = NAN;
  EXPECT_REFUSED(make(rule), std::string(Rule::name) + ": " + name + " is nan; it must be " + of.words);
  rule.*member = of.good;
  EXPECT_EQ(refusal([&] { make(rule); }), "(nothing was refused)") << name << " = " << of.good;
}

#define EXPECT_DOMAIN(Rule, member, of) expect_domain<Rule>(#member, &Rule::member, of)

TEST(optimizer_refusals, hyperparameters_of_gradient_descent) {
  EXPECT_DOMAIN(rule::sgd, rate, at_least_0);
  EXPECT_DOMAIN(rule::sgd, momentum, at_least_0);
  EXPECT_DOMAIN(rule::sgd, dampening, (domain{{-0.1, 1.1, INFINITY}, 1, "from 0 to 1"}));
  EXPECT_DOMAIN(rule::sgd, weight_decay, at_least_0);
  EXPECT_REFUSED(make(rule::sgd{.nesterov = true}), "sgd: nesterov needs momentum above 0 and dampening 0");
  EXPECT_REFUSED(make(rule::sgd{.momentum = 0.9, .dampening = 0.5, .nesterov = true}),
                 "sgd: nesterov needs momentum above 0 and dampening 0");
  EXPECT_DOMAIN(rule::lion, rate, at_least_0);
  EXPECT_DOMAIN(rule::lion, beta1, share);
  EXPECT_DOMAIN(rule::lion, beta2, share);
  EXPECT_DOMAIN(rule::lion, weight_decay, at_least_0);
  EXPECT_DOMAIN(rule::moving_average, decay, share);
}

template <class Rule>
void expect_domains_of_adam() {
  EXPECT_DOMAIN(Rule, rate, at_least_0);
  EXPECT_DOMAIN(Rule, beta1, share);
  EXPECT_DOMAIN(Rule, beta2, share);
  EXPECT_DOMAIN(Rule, epsilon, at_least_0);
  EXPECT_DOMAIN(Rule, weight_decay, at_least_0);
  // 2e38 is a float, and 4e38 is none.
  EXPECT_REFUSED(make(Rule{.rate = 2e38, .beta1 = 0.5}), std::string(Rule::name) + ": rate / (1 - beta1), the ");
  EXPECT_REFUSED(make(Rule{.rate = 2e38, .beta1 = 0.5}), "is 4e+38; it must be at least 0 and a finite f32");
}

TEST(optimizer_refusals, hyperparameters_of_rules_with_two_moments) {
  expect_domains_of_adam<rule::adam>();
  expect_domains_of_adam<rule::adamw>();
  expect_domains_of_adam<rule::nadam>();
  expect_domains_of_adam<rule::radam>();
  expect_domains_of_adam<rule::ademamix>();
  EXPECT_DOMAIN(rule::nadam, momentum_decay, at_least_0);
  EXPECT_DOMAIN(rule::ademamix, beta3, share);
  EXPECT_DOMAIN(rule::ademamix, alpha, at_least_0);
  EXPECT_REFUSED(make(rule::ademamix{.alpha_steps = -1}), "ademamix: alpha_steps is -1; it must be at least 0");
  EXPECT_REFUSED(make(rule::ademamix{.beta3_steps = -1}), "ademamix: beta3_steps is -1; it must be at least 0");
  EXPECT_REFUSED(make(rule::ademamix{.rate = 1e10, .alpha = 1e35}),
                 "ademamix: rate alpha, the factor of the slow average, is 1e+45; it must be at least 0 and a finite "
                 "f32");
}

TEST(optimizer_refusals, hyperparameters_of_rules_with_mean_squares) {
  EXPECT_DOMAIN(rule::adagrad, rate, at_least_0);
  EXPECT_DOMAIN(rule::adagrad, rate_decay, at_least_0);
  EXPECT_DOMAIN(rule::adagrad, epsilon, at_least_0);
  EXPECT_DOMAIN(rule::adagrad, weight_decay, at_least_0);
  EXPECT_DOMAIN(rule::adagrad, initial_sum, at_least_0);
  EXPECT_DOMAIN(rule::rmsprop, rate, at_least_0);
  EXPECT_DOMAIN(rule::rmsprop, alpha, share);
  EXPECT_DOMAIN(rule::rmsprop, epsilon, at_least_0);
  EXPECT_DOMAIN(rule::rmsprop, weight_decay, at_least_0);
  EXPECT_DOMAIN(rule::rmsprop, momentum, at_least_0);
  EXPECT_DOMAIN(rule::adadelta, rate, at_least_0);
  EXPECT_DOMAIN(rule::adadelta, rho, share);
  EXPECT_DOMAIN(rule::adadelta, epsilon, above_0);
  EXPECT_DOMAIN(rule::adadelta, weight_decay, at_least_0);
}

TEST(optimizer_refusals, hyperparameters_of_rules_with_averages_of_weights) {
  using free = rule::schedule_free_adamw;
  EXPECT_DOMAIN(free, rate, at_least_0);
  EXPECT_DOMAIN(free, beta1, (domain{{0, -0.1}, 0.5, "above 0 and a finite f32"}));
  EXPECT_REFUSED(make(free{.beta1 = 1}), "schedule_free_adamw: beta1 is 1; it must be at least 0 and below 1");
  EXPECT_DOMAIN(free, beta2, share);
  EXPECT_DOMAIN(free, epsilon, at_least_0);
  EXPECT_DOMAIN(free, weight_decay, at_least_0);
  EXPECT_DOMAIN(free, average_power, (domain{{-1, 31, INFINITY}, 30, "from 0 to 30"}));
  using ahead = rule::lookahead<rule::lion>;
  EXPECT_DOMAIN(ahead, alpha, (domain{{0, -0.5}, 1, "above 0 and a finite f32"}));
  EXPECT_REFUSED(make(ahead{.alpha = 1.5}), "lookahead: alpha is 1.5; it must be from 0 to 1");
  EXPECT_REFUSED(make(ahead{.period = 0}), "lookahead: period is 0; it must be from 1 to ");
  EXPECT_REFUSED(make(ahead{.inner = {.beta1 = NAN}}), "lookahead: beta1 is nan; it must be at least 0 and below 1");
}

TEST(optimizer_refusals, evaluation_weights) {
  std::vector<float> w(6), g(6), x(8);
  optimizer made(cpu(), std::vector{rule::schedule_free_adamw{}},
                 std::vector{parameter("conv", matrix(w.data(), 2, 3), matrix(g.data(), 2, 3))});
  const auto write = [&](std::size_t i, const auto& to) { made.write_evaluation_weights(cpu(), i, to); };
  EXPECT_REFUSED(write(1, matrix(x.data(), 2, 3)),
                 "schedule_free_adamw: parameter 1 does not exist; it must be an index in the list of 1 parameter [");
  EXPECT_REFUSED(write(0, matrix(x.data(), 3, 2)),
                 "schedule_free_adamw: evaluation weights is 3 x 2; it must be 2 x 3 like weights of tensor 0 (conv)");
  EXPECT_REFUSED(write(0, matrix(x.data(), 2, 3, 4)),
                 "schedule_free_adamw: evaluation weights have gaps between their elements; they must be dense");
  EXPECT_REFUSED(write(0, matrix(w.data(), 2, 3)),
                 "schedule_free_adamw: weights of tensor 0 (conv) shares an element with evaluation weights; the two "
                 "must not overlap");
  EXPECT_REFUSED(write(0, matrix<float>(nullptr, 2, 3)),
                 "schedule_free_adamw: evaluation weights is a null view of size 2 x 3; it must point to its elements");
  write(0, matrix(x.data(), 2, 3));
}

}  // namespace
