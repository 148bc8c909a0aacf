// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A step of an optimizer captured into a CUDA graph and replayed: the same bits as steps by hand, with clipping, loss
// scaling and schedules, whose numbers are in device memory (pytorch#76368, #106802, #118018: step counts and learning
// rates under capture). Only for the cuda executor.
#include "tests/draw.hpp"

#include <tilery/cuda.hpp>
#include <tilery/gradient_norm.hpp>
#include <tilery/optimizer.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <span>

namespace {

using namespace tilery;
using namespace tilery_tests;

class optimizer_capture : public testing::Test {
public:
  void SetUp() override {
    if (cuda_devices() == 0) GTEST_SKIP() << "no CUDA device";
    check_cuda(cudaStreamCreate(&stream_), "cudaStreamCreate", {});
  }
  void TearDown() override {
    if (stream_) (void)cudaStreamDestroy(stream_);
  }

  /// Captures call(gpu).
  template <class Call>
  cudaGraphExec_t capture(const cuda& gpu, const Call& call) const {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t replay = nullptr;
    gpu.wait();
    check_cuda(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture", {});
    call(gpu);
    check_cuda(cudaStreamEndCapture(stream_, &graph), "cudaStreamEndCapture", {});
    check_cuda(cudaGraphInstantiate(&replay, graph, 0), "cudaGraphInstantiate", {});
    (void)cudaGraphDestroy(graph);
    return replay;
  }

  /// Trains `tensors` tensors twice from the same weights, with the same gradients in each step: by hand, and by
  /// replays of a captured step. Step 4 has an infinite gradient; the rate factor changes in each step.
  template <class Weight, class Gradient, class Rule>
  void check(const Rule& rule, const optimizer_options& options, int tensors = 3) const {
    const cuda gpu(stream_);
    const int size = 20001;  // several chunks of the norm; odd, so that the tensors differ in their alignment
    const buffer<Weight> by_hand(gpu, std::int64_t{size} * tensors), replayed(gpu, std::int64_t{size} * tensors);
    const buffer<Gradient> gradient(gpu, std::int64_t{size} * tensors);
    const auto weights = draw_values<Weight>(by_hand.size());
    for (const auto* to : {&by_hand, &replayed}) copy_dense(gpu, vector(weights.data(), weights.size()), *to);
    const auto parameters = [&](const buffer<Weight>& of) {
      std::vector<parameter<Weight, Gradient>> all;
      for (int i = 0; i < tensors; ++i) {
        const std::int64_t first = std::int64_t{size} * i;
        const int length = tensors > 10 ? 3 : size;
        all.push_back({"t" + std::to_string(i), vector(of.data_handle() + first, length),
                       vector(gradient.data_handle() + first, length)});
      }
      all.push_back({"empty", vector(of.data_handle(), 0), vector(gradient.data_handle(), 0)});
      return all;
    };
    optimizer one(gpu, std::vector{rule}, parameters(by_hand), options);
    optimizer two(gpu, std::vector{rule}, parameters(replayed), options);
    const auto set_gradient = [&](int step) {
      auto values = draw_values<Gradient>(gradient.size());
      if (step == 4) values[1] = convert<Gradient>(static_cast<accumulator_t<Gradient>>(INFINITY));
      copy_dense(gpu, vector(values.data(), values.size()), gradient);
      gpu.wait();
    };
    const auto set_rate = [&](auto& o, int step) { o.set_rate_factor(gpu, 1.0 / step); };
    // The first step may copy tables to the device: it is not captured.
    set_gradient(1);
    one.step(gpu), two.step(gpu);
    const cudaGraphExec_t replay = capture(gpu, [&](const cuda& g) { two.step(g); });
    for (int step = 2; step <= 7; ++step) {
      set_gradient(step);
      set_rate(one, step), set_rate(two, step);
      one.step(gpu);
      check_cuda(cudaGraphLaunch(replay, stream_), "cudaGraphLaunch", {});
    }
    EXPECT_EQ(one.steps(gpu), options.loss_scaling ? 6 : 7);
    EXPECT_EQ(two.steps(gpu), one.steps(gpu));
    EXPECT_EQ(two.skipped(gpu), one.skipped(gpu));
    EXPECT_EQ(two.loss_scale(gpu), one.loss_scale(gpu));
    std::vector<Weight> want(weights.size()), got(weights.size());
    copy_dense(gpu, by_hand, vector(want.data(), want.size()));
    copy_dense(gpu, replayed, vector(got.data(), got.size()));
    gpu.wait();
    EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(Weight)), 0);
    EXPECT_NE(std::memcmp(got.data(), weights.data(), want.size() * sizeof(Weight)), 0) << "something happened";
    const auto saved_one = one.saved_tensors(), saved_two = two.saved_tensors();
    for (std::size_t i = 0; i < saved_one.size(); ++i) {
      std::int64_t bytes = saved_one[i].element_bytes;
      for (const std::int64_t extent : saved_one[i].extents) bytes *= extent;
      std::vector<std::int8_t> a(static_cast<std::size_t>(bytes)), b(a.size());
      copy_dense(gpu, vector(static_cast<std::int8_t*>(saved_one[i].data), bytes), vector(a.data(), bytes));
      copy_dense(gpu, vector(static_cast<std::int8_t*>(saved_two[i].data), bytes), vector(b.data(), bytes));
      gpu.wait();
      EXPECT_EQ(a, b) << saved_one[i].name;
    }
    (void)cudaGraphExecDestroy(replay);
  }

protected:
  cudaStream_t stream_ = nullptr;
};

constexpr dynamic_loss_scale scale_of_16{.initial = 16, .interval = 2};

TEST_F(optimizer_capture, of_a_rule_alone) {
  check<float, float>(rule::adamw{.rate = 0.01}, {});
  check<bf16, float>(rule::sgd{.rate = 0.01, .momentum = 0.9, .dampening = 0.1}, {});
  check<bf16, bf16>(rule::adamw{.rate = 0.01}, {.narrow = narrow_weights::stochastic});
}
TEST_F(optimizer_capture, with_clipping) {
  check<float, float>(rule::adamw{.rate = 0.01}, {.largest_norm = 0.5, .skip_not_finite = false});
  check<double, double>(rule::sgd{.rate = 0.01}, {.largest_norm = 0.5});
}
TEST_F(optimizer_capture, with_loss_scaling_and_a_skipped_step) {
  check<half, half>(rule::adamw{.rate = 0.01}, {.loss_scaling = scale_of_16});
  check<bf16, float>(rule::adamw{.rate = 0.01}, {.largest_norm = 0.5, .loss_scaling = scale_of_16});
}
TEST_F(optimizer_capture, with_tables_in_memory) {
  check<float, float>(rule::adamw{.rate = 0.01}, {.largest_norm = 0.5, .loss_scaling = scale_of_16}, 1100);
}
// The list of tensors is gone when the graph is replayed.
TEST_F(optimizer_capture, of_a_norm) {
  const cuda gpu(stream_);
  const buffer<float> x(gpu, 100000);
  const buffer<double> result(gpu, 1);
  const auto norm = [&](const cuda& on) {
    const std::vector list{dense_tensor(vector(x.data_handle(), 60000)),
                           dense_tensor(vector(x.data_handle() + 60000, 40000))};
    gradient_norm(on, std::span(list), result);
  };
  fill_zero(gpu, x);
  norm(gpu);
  const cudaGraphExec_t replay = capture(gpu, norm);
  for (int turn = 0; turn < 3; ++turn) {
    const auto values = draw_values<float>(100000);
    copy_dense(gpu, vector(values.data(), values.size()), x);
    double want = 0, got = 0;
    norm(gpu);
    copy_dense(gpu, result, vector(&want, 1));
    fill_zero(gpu, result);
    check_cuda(cudaGraphLaunch(replay, stream_), "cudaGraphLaunch", {});
    copy_dense(gpu, result, vector(&got, 1));
    gpu.wait();
    EXPECT_EQ(got, want);
    EXPECT_GT(got, 100);
  }
  (void)cudaGraphExecDestroy(replay);
}

}  // namespace
