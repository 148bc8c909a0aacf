// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// optimizer: all tensors of a network in one launch, against one tensor at a time, and against the formulas.
#include "tests/tensor_lists.hpp"

#include <tilery/optimizer.hpp>
#include <tilery/validate.hpp>

#include <memory>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// A rule of a user, as its documentation shows: w = w - rate sign(g), with the number of updates in a state.
struct signs {
  double rate = 0.5;
  static constexpr const char* name = "signs";
  static constexpr int states = 1;

  template <class S>
  struct constants {
    S rate;
    template <int N>
    TILERY_SIMT void update(pack<S, N>& w, pack<S, N> g, pack<S, N>& count) const {
      w = w - sign(g) * rate;
      count = count + S(1);
    }
  };
  template <class S>
  TILERY_SIMT constants<S> at(const update_time& time) const {
    return {S(time.rate_factor * rate)};
  }
};

template <class Executor>
class optimizer_on : public on_executor<Executor> {
public:
  /// Empty tensors first, in the middle and last; one element; more than a chunk on each executor.
  static std::vector<int> sizes() { return {0, 1, 5, 0, 1000, 3, 9001, 64, 0}; }

  /// Several updates of all tensors at once, against `adam` of each tensor: the same formulas, so the same bits.
  template <class W, class G>
  void equals_one_at_a_time(const std::vector<int>& sizes, int offset, narrow_weights narrow) {
    const auto values = draw_tensors<W>(sizes);
    const tensors<W> w(*this, values, offset), alone(*this, values, offset);
    const auto gradients = draw_tensors<G>(sizes);
    const tensors<G> g(*this, gradients, offset);
    const std::vector groups{rule::adamw{.rate = 0.01}, rule::adamw{.rate = 0.02, .weight_decay = 0}};
    optimizer o(this->executor, groups, parameters_of(w, g, 2), {.narrow = narrow});
    using S = accumulator_t<W>;
    std::vector<std::vector<S>> zeros;
    for (const int size : sizes) zeros.push_back(std::vector<S>(size));
    const tensors<S> first(*this, zeros, offset), second(*this, zeros, offset);
    for (int step = 1; step <= 3; ++step) {
      o.step(this->executor);
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        const auto& rule = groups[i % 2];
        adam(this->executor, alone.all[i], g.all[i], first.all[i], second.all[i],
             {.rate = rule.rate, .weight_decay = rule.weight_decay, .step = step});
      }
    }
    EXPECT_EQ(o.steps(this->executor), 3);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const auto got = w.get(*this, i), want = alone.get(*this, i);
      for (std::size_t j = 0; j < got.size(); ++j) EXPECT_EQ(as_double(got[j]), as_double(want[j])) << i << ", " << j;
    }
  }
};
TYPED_TEST_SUITE(optimizer_on, executors);

TYPED_TEST(optimizer_on, updates_each_tensor_as_if_it_were_alone) {
  for (const int offset : {0, 1, 2}) {
    this->template equals_one_at_a_time<float, float>(this->sizes(), offset, narrow_weights::masters);
    this->template equals_one_at_a_time<bf16, bf16>(this->sizes(), offset, narrow_weights::nearest);
  }
  this->template equals_one_at_a_time<double, float>(this->sizes(), 0, narrow_weights::masters);
  this->template equals_one_at_a_time<half, float>(this->sizes(), 0, narrow_weights::nearest);
}

// More tensors than fit a kernel's arguments: the table is in memory.
TYPED_TEST(optimizer_on, takes_any_number_of_tensors) {
  std::vector<int> sizes;
  for (int i = 0; i < 420; ++i) sizes.push_back(i % 5);
  this->template equals_one_at_a_time<float, float>(sizes, 0, narrow_weights::masters);
  const std::vector<parameter<float>> none;
  optimizer o(this->executor, std::vector{rule::sgd{}}, none);
  o.step(this->executor);
  EXPECT_EQ(o.steps(this->executor), 1) << "no tensors";
}

TYPED_TEST(optimizer_on, takes_any_number_of_groups) {
  const std::vector<int> sizes(300, 2);
  const tensors<float> w(*this, std::vector<std::vector<float>>(300, {1, 1})),
      g(*this, std::vector<std::vector<float>>(300, {1, 2}));
  std::vector<rule::sgd> groups;
  for (int i = 0; i < 300; ++i) groups.push_back({.rate = i / 1024.0});
  optimizer o(this->executor, groups, parameters_of(w, g, 300));
  o.step(this->executor);
  o.step(this->executor);
  EXPECT_EQ(o.steps(this->executor), 2);
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(w.get(*this, i), (std::vector<float>{1 - 2 * i / 1024.0f, 1 - 4 * i / 1024.0f})) << i;
}

TYPED_TEST(optimizer_on, runs_a_rule_of_the_user) {
  const tensors<float> w(*this, {{1, 2, 3}, {4}}), g(*this, {{5, -5, 0}, {-1}});
  optimizer o(this->executor, std::vector{signs{}}, parameters_of(w, g));
  o.step(this->executor);
  o.set_rate_factor(this->executor, 0.5);
  o.step(this->executor);
  EXPECT_EQ(w.get(*this, 0), (std::vector<float>{0.25f, 2.75f, 3}));
  EXPECT_EQ(w.get(*this, 1), (std::vector<float>{4.75f}));
  const auto saved = o.saved_tensors();
  ASSERT_EQ(saved.size(), 3u);
  EXPECT_EQ(saved[0].name, "signs.state0.t0");
  EXPECT_EQ(saved[2].name, "signs.scalars");
}

// An update of 1/1024 is below half of bf16's spacing at 1, 1/128.
TYPED_TEST(optimizer_on, small_updates_of_bf16_weights) {
  const std::vector<bf16> ones(4096, convert<bf16>(1.0f)), gradient(4096, convert<bf16>(-1.0f));
  const auto mean_after = [&](narrow_weights narrow) {
    const tensors<bf16> w(*this, {ones}), g(*this, {gradient});
    optimizer o(this->executor, std::vector{rule::sgd{.rate = 1.0 / 1024}}, parameters_of(w, g), {.narrow = narrow});
    for (int i = 0; i < 8; ++i) o.step(this->executor);
    double sum = 0;
    for (const bf16 x : w.get(*this, 0)) sum += as_double(x);
    return sum / 4096;
  };
  EXPECT_EQ(mean_after(narrow_weights::nearest), 1) << "all updates are lost";
  EXPECT_EQ(mean_after(narrow_weights::masters), 1 + 1.0 / 128);
  // One step's deviation is sqrt(p (1 - p)) / 128 with p = 1/8; eight steps of 4096 weights: 1.1e-4.
  EXPECT_NEAR(mean_after(narrow_weights::stochastic), 1 + 1.0 / 128, 6e-4);
}

TYPED_TEST(optimizer_on, stochastic_rounding_is_a_function_of_seed_tensor_and_element) {
  const auto run = [&](std::uint64_t seed, int offset) {
    const tensors<bf16> w(*this,
                          {std::vector<bf16>(100, convert<bf16>(1.0f)), std::vector<bf16>(100, convert<bf16>(1.0f))},
                          offset),
        g(*this, {std::vector<bf16>(100, convert<bf16>(-1.0f)), std::vector<bf16>(100, convert<bf16>(-1.0f))}, offset);
    optimizer o(this->executor, std::vector{rule::sgd{.rate = 1.0 / 256}}, parameters_of(w, g),
                {.narrow = narrow_weights::stochastic, .seed = seed});
    o.step(this->executor);
    std::vector<double> all;
    for (int i = 0; i < 2; ++i)
      for (const bf16 x : w.get(*this, i)) all.push_back(as_double(x));
    return all;
  };
  const auto one = run(1, 0);
  EXPECT_EQ(one, run(1, 0));
  EXPECT_EQ(one, run(1, 1)) << "single elements draw the numbers of packs";
  EXPECT_NE(one, run(2, 0));
  EXPECT_NE(std::vector<double>(one.begin(), one.begin() + 100), std::vector<double>(one.begin() + 100, one.end()));
  // The same on every executor: the bits of Philox for (element / 4, tensor, step), 16 of them against half of the gap.
  for (int i = 0; i < 200; ++i) {
    const auto words =
        philox({{static_cast<std::uint32_t>(i % 100 / 4), 0, static_cast<std::uint32_t>(i / 100), 1}}, 1);
    const float rounded = stochastic_round<bf16>(splat<1>(1 + 1.0f / 256), splat<1>(words.word[i % 4]))[0];
    EXPECT_EQ(one[i], rounded) << i;
  }
}

TYPED_TEST(optimizer_on, continues_from_saved_tensors_to_the_bit) {
  const auto values = draw_tensors<bf16>({100, 7, 3000});
  const auto more = draw_tensors<float>({100, 7, 3000});
  const std::vector rules{rule::adamw{.rate = 0.01, .amsgrad = true}};
  const tensors<bf16> w(*this, values);
  const tensors<float> g(*this, more);
  optimizer whole(this->executor, rules, parameters_of(w, g));
  for (int i = 0; i < 3; ++i) whole.step(this->executor);

  const tensors<bf16> halfway(*this, {w.get(*this, 0), w.get(*this, 1), w.get(*this, 2)});
  optimizer resumed(this->executor, rules, parameters_of(halfway, g));
  const auto from = whole.saved_tensors(), to = resumed.saved_tensors();
  ASSERT_EQ(from.size(), 4u * 3 + 1);
  for (std::size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(from[i].name, to[i].name);
    EXPECT_EQ(from[i].extents, to[i].extents);
    const auto bytes = [](const optimizer_tensor& t) {
      return vector(static_cast<std::int8_t*>(t.data), t.element_bytes * t.extents[0]);
    };
    copy_dense(this->executor, bytes(from[i]), bytes(to[i]));
  }
  for (int i = 0; i < 3; ++i) whole.step(this->executor), resumed.step(this->executor);
  EXPECT_EQ(resumed.steps(this->executor), 6);
  for (int i = 0; i < 3; ++i) {
    const auto one = w.get(*this, i), two = halfway.get(*this, i);
    for (std::size_t j = 0; j < one.size(); ++j) EXPECT_EQ(as_double(one[j]), as_double(two[j])) << i;
  }
}

TYPED_TEST(optimizer_on, limits_gradients_by_value) {
  const tensors<float> w(*this, {{0, 0, 0, 0, 0}}), g(*this, {{3, -3, 0.5f, NAN, INFINITY}});
  optimizer o(this->executor, std::vector{rule::sgd{.rate = 1}}, parameters_of(w, g), {.largest_gradient = 2});
  o.step(this->executor);
  const auto got = w.get(*this, 0);
  EXPECT_EQ(std::vector<float>(got.begin(), got.begin() + 3), (std::vector<float>{-2, 2, -0.5f}));
  EXPECT_TRUE(std::isnan(got[3]));
  EXPECT_EQ(got[4], -2);
}

TYPED_TEST(optimizer_on, amsgrad_keeps_nan) {
  std::vector<float> gradient(8, 1);
  gradient[3] = NAN;
  const tensors<float> w(*this, {std::vector<float>(8)}), g(*this, {gradient}),
      later(*this, {std::vector<float>(8, 1)});
  optimizer o(this->executor, std::vector{rule::adam{.beta1 = 0, .beta2 = 0, .amsgrad = true}}, parameters_of(w, g));
  o.step(this->executor);
  copy_dense(this->executor, later.all[0], g.all[0]);
  fill(this->executor, w.all[0], 0.0f);
  o.step(this->executor);  // with betas of 0, only the largest second moment remembers the NaN
  const auto got = w.get(*this, 0);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(std::isnan(got[i]), i == 3) << i;
}

TYPED_TEST(optimizer_on, dampening_begins_with_the_second_update) {
  const tensors<double> w(*this, {{0}}), g(*this, {{1}});
  optimizer o(this->executor, std::vector{rule::sgd{.rate = 1, .momentum = 0.5, .dampening = 0.25}},
              parameters_of(w, g));
  for (int i = 0; i < 3; ++i) o.step(this->executor);
  const double v1 = 1, v2 = 0.5 * v1 + 0.75, v3 = 0.5 * v2 + 0.75;
  EXPECT_EQ(w.get(*this, 0)[0], -(v1 + v2 + v3));
}

TYPED_TEST(optimizer_on, takes_tensors_of_any_rank) {
  const tensors<float> w(*this, {std::vector<float>(24, 1)}), g(*this, {std::vector<float>(24, 1)});
  optimizer o(this->executor, std::vector{rule::sgd{.rate = 1, .momentum = 0.5}},
              std::vector{
                  parameter("filter", tensor(w.all[0].pointer, {2, 3, 4}), tensor(g.all[0].pointer, {2, 3, 4}))});
  o.step(this->executor);
  EXPECT_EQ(w.get(*this, 0), std::vector<float>(24));
  EXPECT_EQ(o.saved_tensors()[0].extents, (std::vector<std::int64_t>{2, 3, 4}));
}

// States of 8 bits, against a reference that decodes and encodes by the map's formulas.
TYPED_TEST(optimizer_on, states_of_8_bits) {
  const std::vector<int> sizes{5000, 100, 4096, 0, 4097};
  for (const int offset : {0, 1}) {
    const auto values = draw_tensors<float>(sizes);
    const tensors<float> w(*this, values, offset), same(*this, values, offset);
    const auto gradients = draw_tensors<float>(sizes);
    const tensors<float> g(*this, gradients, offset);
    const std::vector rules{rule::adamw{.rate = 0.01}};
    optimizer<rule::adamw, float, float, eight_bit> o(this->executor, rules, parameters_of(w, g));
    optimizer exact(this->executor, rules, parameters_of(same, g));
    const auto saved = o.saved_tensors();
    EXPECT_EQ(saved[0].name, "adamw.first.map1.t0");
    EXPECT_EQ(saved[1].name, "adamw.first.map1.largest.t0");
    EXPECT_EQ(saved[0].type, std::string("u8"));
    EXPECT_EQ(saved[1].extents, (std::vector<std::int64_t>{20}));
    for (int step = 1; step <= 3; ++step) {
      o.step(this->executor);
      exact.step(this->executor);
      // After the first update the moments were exact, so the weights are.
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        const auto got = w.get(*this, i), want = same.get(*this, i);
        double sum = 0;
        for (std::size_t j = 0; j < got.size(); ++j) {
          if (step == 1 || sizes[i] < 4096) EXPECT_EQ(got[j], want[j]) << i << ", " << j;
          // Where the gradient is far below the others of its block, the first moment becomes 0: no update.
          EXPECT_NEAR(got[j], want[j], 0.03) << i << ", " << j;
          sum += std::abs(got[j] - want[j]);
        }
        EXPECT_LE(sum, 5e-4 * static_cast<double>(got.size())) << "a twentieth of the rate, on average";
      }
    }
    // The codes of the first moment of the last block of t0.
    std::vector<std::uint8_t> codes(5000);
    std::vector<float> largest(20);
    copy_dense(this->executor, vector(static_cast<std::uint8_t*>(saved[0].data), 5000), vector(codes.data(), 5000));
    copy_dense(this->executor, vector(static_cast<float*>(saved[1].data), 20), vector(largest.data(), 20));
    this->executor.wait();
    double m = 0, most = 0;
    for (int step = 0; step < 3; ++step) m = 0.9 * m + 0.1;
    for (int j = 4864; j < 5000; ++j) most = std::max(most, std::abs(m * gradients[0][j]));
    EXPECT_NEAR(largest[19], most, 0.03 * most);
    for (int j = 4864; j < 5000; ++j)
      EXPECT_NEAR(decode_dynamic<true>(splat<1>(codes[j]))[0] * largest[19], m * gradients[0][j], 0.06 * most) << j;
  }
}

TYPED_TEST(optimizer_on, states_of_8_bits_keep_numbers_that_are_not_finite) {
  std::vector<float> gradient(4096, 1.0f);
  gradient[300] = NAN;
  gradient[600] = INFINITY;
  const tensors<float> w(*this, {std::vector<float>(4096, 1.0f)}), g(*this, {gradient}),
      zero(*this, {std::vector<float>(4096)});
  optimizer<rule::adamw, float, float, eight_bit> o(this->executor, {{}}, parameters_of(w, g));
  o.step(this->executor);
  o.step(this->executor);
  const auto got = w.get(*this, 0);
  for (int i = 0; i < 4096; ++i) EXPECT_EQ(std::isfinite(got[i]), i < 256 || i >= 768) << i;
  // Gradients of zero, as those of embeddings that do not occur, make no large updates.
  const tensors<float> quiet(*this, {std::vector<float>(4096, 1.0f)});
  optimizer<rule::adamw, float, float, eight_bit> rests(this->executor, {{.weight_decay = 0}},
                                                        parameters_of(quiet, zero));
  for (int i = 0; i < 3; ++i) rests.step(this->executor);
  EXPECT_EQ(quiet.get(*this, 0), std::vector<float>(4096, 1.0f));
}

// A block with gradients of very different sizes: a second moment that became 0 would make an update without a bound.
TYPED_TEST(optimizer_on, second_moments_of_8_bits_stay_above_0) {
  std::vector<float> gradient(4096, 1e-6f);
  for (int i = 0; i < 4096; i += 256) gradient[i] = 1;
  const tensors<float> w(*this, {std::vector<float>(4096)}), g(*this, {gradient});
  optimizer<rule::adamw, float, float, eight_bit> o(this->executor, {{.rate = 1}}, parameters_of(w, g));
  for (int i = 0; i < 20; ++i) o.step(this->executor);
  for (const float x : w.get(*this, 0)) EXPECT_LE(std::abs(x), 25) << "at most about the rate an update";
}

TYPED_TEST(optimizer_on, refuses_bad_input) {
  const tensors<float> w(*this, {std::vector<float>(6), std::vector<float>(8)}),
      g(*this, {std::vector<float>(6), std::vector<float>(8)});
  const auto make = [&](std::vector<rule::adamw> groups, std::vector<parameter<float>> all, optimizer_options o = {}) {
    optimizer made(this->executor, groups, all, o);
  };
  const parameter good("good", w.all[0], g.all[0]);
  EXPECT_REFUSED(make({}, {good}), "adamw: the list of groups is empty; it must have at least one rule");
  EXPECT_REFUSED(make({{}}, {good, {"conv1", w.all[1], vector(g.all[1].pointer, 7)}}),
                 "adamw: gradient of tensor 1 (conv1) is 7; it must be 8 like weights of tensor 1 (conv1)");
  EXPECT_REFUSED(make({{}, {}}, {{"", w.all[1], g.all[1], 2}}),
                 "adamw: weights of tensor 0 has group 2; it must be an index in the list of 2 groups");
  EXPECT_REFUSED(make({{}}, {{"odd", w.all[1], g.all[1], -1}}),
                 "adamw: weights of tensor 0 (odd) has group -1; it must be an index in the list of 1 group");
  EXPECT_REFUSED(make({{}},
                      {{"t", transposed(matrix(w.all[1].pointer, 2, 4)), transposed(matrix(g.all[1].pointer, 2, 4))}}),
                 "adamw: weights of tensor 0 (t) has gaps between its elements; it must be dense");
  EXPECT_REFUSED(
      make({{}}, {good, good}),
      "adamw: weights of tensor 0 (good) shares an element with weights of tensor 1 (good); the two must not "
      "overlap");
  EXPECT_REFUSED(make({{}}, {{"a", w.all[1], w.all[1]}}),
                 "adamw: weights of tensor 0 (a) shares an element with gradient of tensor 0 (a); the two must not "
                 "overlap");
  EXPECT_REFUSED(make({{}}, {{"null", vector<float>(nullptr, 8), g.all[1]}}),
                 "adamw: weights of tensor 0 (null) is a null view of size 8; it must point to its elements");
  EXPECT_REFUSED(
      make({{}, {.beta1 = 1}}, {good}),
      "adamw: group 1: beta1 is 1; it must be at least 0 and below 1, also after rounding to the type of the "
      "moments");
  EXPECT_REFUSED(make({{.rate = NAN}}, {good}), "adamw: rate is nan; it must be at least 0 and a finite f32");
  EXPECT_REFUSED(make({{}}, {good}, {.largest_gradient = 0}), "adamw: largest_gradient is 0; it must be above 0");
  EXPECT_REFUSED(make({{}}, {good}, {.largest_gradient = NAN}), "adamw: largest_gradient is nan; it must be above 0");
  optimizer o(this->executor, std::vector{rule::sgd{}}, std::vector{good});
  EXPECT_REFUSED(o.set_rate_factor(this->executor, -1), "sgd: the rate factor is -1; it must be at least 0 and finite");
  EXPECT_REFUSED(o.set_rate_factor(this->executor, NAN),
                 "sgd: the rate factor is nan; it must be at least 0 and finite");
  EXPECT_REFUSED(optimizer(this->executor, std::vector{rule::sgd{.nesterov = true}}, std::vector{good}),
                 "sgd: nesterov needs momentum above 0 and dampening 0");
  EXPECT_REFUSED(optimizer(this->executor, std::vector{rule::sgd{.momentum = 0.9, .dampening = 1.5}},
                           std::vector{good}),
                 "sgd: dampening is 1.5; it must be from 0 to 1");
}

}  // namespace
