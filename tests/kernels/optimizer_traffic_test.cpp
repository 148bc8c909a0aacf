// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The traffic of an optimizer's update, as the virtual GPU counts it: gradients once, weights and states once in each
// direction, in whole sectors.
#include "tests/profiles.hpp"
#include "tests/rule_runs.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

/// Bytes of an element that an update loads and stores.
struct moved_bytes {
  std::int64_t loaded, stored;
};

/// The formula: `states` of the rule, in State; the master weights, if there are any, are loaded in the weights' place.
template <class W, class G, class State>
constexpr moved_bytes bytes_of(int states, narrow_weights narrow) {
  using S = accumulator_t<W>;
  const bool master = sizeof(W) < sizeof(S) && narrow == narrow_weights::masters;
  const std::int64_t of_states = states * static_cast<std::int64_t>(sizeof(State));
  return {static_cast<std::int64_t>((master ? sizeof(S) : sizeof(W)) + sizeof(G)) + of_states,
          static_cast<std::int64_t>((master ? sizeof(S) : 0) + sizeof(W)) + of_states};
}

/// The states that the rule needs with its hyperparameters.
template <class Rule>
int states_of(const Rule& rule) {
  int count = 0;
  for (int i = 0; i < Rule::states; ++i) count += keeps_state(rule, i);
  return count;
}

/// An update of tensors of whole sectors moves as many bytes as the formula says.
template <class W, class G = W, class State = accumulator_t<W>, class Rule>
void expect_traffic(const Rule& rule, moved_bytes want, narrow_weights narrow = narrow_weights::masters) {
  SCOPED_TRACE(testing::Message() << Rule::name << ", " << element<W>::name << ", gradient " << element<G>::name
                                  << ", states " << element<State>::name);
  EXPECT_EQ((bytes_of<W, G, State>(states_of(rule), narrow).loaded), want.loaded);
  EXPECT_EQ((bytes_of<W, G, State>(states_of(rule), narrow).stored), want.stored);
  const int sizes[] = {12288, 64, 8192};
  const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
    std::vector<buffer<W>> weights;
    std::vector<buffer<G>> gradients;
    std::vector<parameter<W, G>> all;
    for (const int size : sizes) {
      fill_zero(gpu, weights.emplace_back(gpu, size));
      fill_zero(gpu, gradients.emplace_back(gpu, size));
      all.emplace_back("", weights.back().view(), gradients.back().view());
    }
    optimizer<Rule, W, G, State> o(gpu, {rule}, all, {.narrow = narrow});
    o.step(gpu);
  });
  const launch_profile& p = profiles.back();
  const std::int64_t elements = 12288 + 64 + 8192;
  EXPECT_EQ(sum_of(p, site_kind::global_load, &site_profile::bytes, "load elements"), elements * want.loaded);
  EXPECT_EQ(sum_of(p, site_kind::global_load, &site_profile::sectors, "load elements") * 32, elements * want.loaded);
  EXPECT_EQ(sum_of(p, site_kind::global_store, &site_profile::bytes), elements * want.stored);
  EXPECT_EQ(sum_of(p, site_kind::global_store, &site_profile::sectors) * 32, elements * want.stored);
}

TEST(optimizer_traffic, of_each_rule_with_float) {
  expect_traffic<float>(rule::sgd{}, {8, 4});
  expect_traffic<float>(rule::sgd{.momentum = 0.9}, {12, 8});
  expect_traffic<float>(rule::adam{}, {16, 12});
  expect_traffic<float>(rule::adamw{.amsgrad = true}, {20, 16});
  expect_traffic<float>(rule::nadam{}, {16, 12});
  expect_traffic<float>(rule::radam{}, {16, 12});
  expect_traffic<float>(rule::adagrad{}, {12, 8});
  expect_traffic<float>(rule::rmsprop{}, {12, 8});
  expect_traffic<float>(rule::rmsprop{.centered = true}, {16, 12});
  expect_traffic<float>(rule::rmsprop{.momentum = 0.9, .centered = true}, {20, 16});
  expect_traffic<float>(rule::adadelta{}, {16, 12});
  expect_traffic<float>(rule::lion{}, {12, 8});
  expect_traffic<float>(rule::ademamix{}, {20, 16});
  expect_traffic<float>(rule::ademamix{.alpha = 0}, {16, 12});
  expect_traffic<float>(rule::schedule_free_adamw{}, {16, 12});
  expect_traffic<float>(rule::moving_average{}, {8, 4});
  expect_traffic<float>(lookahead<rule::sgd>{.inner = {.momentum = 0.9}}, {16, 12});
}

TEST(optimizer_traffic, of_mixed_types) {
  expect_traffic<double>(rule::adamw{}, {32, 24});
  expect_traffic<float, bf16>(rule::adamw{}, {14, 12});
  expect_traffic<float, float, bf16>(rule::adamw{}, {12, 8});
  expect_traffic<bf16>(rule::adamw{}, {14, 14});  // 28 bytes, as with float
  expect_traffic<bf16, float>(rule::adamw{}, {16, 14});
  expect_traffic<bf16, bf16, bf16>(rule::adamw{}, {10, 10});
  expect_traffic<bf16, bf16, bf16>(rule::adamw{}, {8, 6}, narrow_weights::stochastic);
  expect_traffic<half, half, float>(rule::lion{}, {10, 10});
  expect_traffic<bf16, bf16, bf16>(rule::lion{}, {6, 4}, narrow_weights::nearest);
  expect_traffic<float, bf16>(rule::moving_average{}, {6, 4});
  expect_traffic<bf16>(rule::rmsprop{.momentum = 0.9, .centered = true}, {18, 18});
}

}  // namespace
