// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The residual network: its gradients against differences of the loss, for each of its tensors, and that a smaller
// batch and the virtual GPU compute the same.
#include "examples/networks/residual_network.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tilery/cpu.hpp>
#include <tilery/loss.hpp>
#include <tilery/virtual_gpu.hpp>

namespace {

using namespace tilery_examples;

constexpr image_shape shape{9, 6, 3};  // odd and even extents: both strides meet an edge
constexpr int classes = 4, images = 3;

/// Numbers between -1 and 1.
std::vector<float> drawn(std::size_t count, std::uint32_t use) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(first_bits(draw(9, random_use::changes, use, static_cast<std::uint32_t>(i))) >> 40) *
                    0x1p-23f -
                1;
  return values;
}

/// A network with all tensors drawn (those that begin with zeros, too), images and labels.
template <class Executor>
struct problem {
  Executor executor;
  residual_network<Executor> network;
  std::vector<float> x = drawn(images * shape.values(), 1);
  std::vector<std::int32_t> labels{2, 0, 3};
  std::vector<float> losses = std::vector<float>(images);

  explicit problem(const Executor& on, int batch = images) : executor(on), network(on, shape, classes, batch, 5) {
    float* w = network.tensors().weights().data_handle();
    for (const parameter& p : network.tensors().all()) {
      const bool is_drawn = p.name.ends_with(".weight") && !p.name.starts_with("linear");
      const std::vector<float> values = drawn(static_cast<std::size_t>(p.size), 2);
      for (std::int64_t i = 0; i < p.size && !is_drawn; ++i)
        w[p.offset + i] += 0.3f * values[static_cast<std::size_t>(i)];
    }
  }

  /// The mean loss of the first `count` images.
  double loss(int count = images) {
    const auto logits = network.forward(tilery::matrix(x.data(), count, shape.values()));
    tilery::softmax_cross_entropy(executor, logits, tilery::vector(labels.data(), count),
                                  tilery::vector(losses.data(), count), network.logits_gradient(count),
                                  {.scale = 1.0 / count});
    double sum = 0;
    for (int i = 0; i < count; ++i) sum += losses[static_cast<std::size_t>(i)];
    return sum / count;
  }
  /// The gradients of all weights.
  std::vector<float> gradient(int count = images) {
    loss(count);
    network.backward(tilery::matrix(x.data(), count, shape.values()));
    const auto& all = network.tensors().gradient();
    return {all.data_handle(), all.data_handle() + all.size()};
  }
};

TEST(residual_network, has_the_gradients_of_its_loss) {
  problem p{tilery::cpu(2)};
  const std::vector<float> gradient = p.gradient();
  float* w = p.network.tensors().weights().data_handle();
  for (const parameter& of : p.network.tensors().all()) {
    double square = 0;
    for (std::int64_t i = of.offset; i < of.offset + of.size; ++i)
      square += static_cast<double>(gradient[static_cast<std::size_t>(i)]) * gradient[static_cast<std::size_t>(i)];
    const double length = std::sqrt(square);
    ASSERT_GT(length, 1e-4) << of.name << " has no gradient";
    // Along the gradient the loss rises by the gradient's length. A short way meets few kinks of relu.
    const double way = 2e-3;
    const std::vector<float> before(w + of.offset, w + of.offset + of.size);
    const auto loss_at = [&](double distance) {
      for (std::int64_t i = 0; i < of.size; ++i)
        w[of.offset + i] = static_cast<float>(before[static_cast<std::size_t>(i)] +
                                              distance * gradient[static_cast<std::size_t>(of.offset + i)] / length);
      return p.loss();
    };
    const double rise = (loss_at(way) - loss_at(-way)) / (2 * way);
    std::copy(before.begin(), before.end(), w + of.offset);
    EXPECT_NEAR(rise / length, 1, 0.02) << of.name;
  }
}

TEST(residual_network, has_the_same_gradients_for_fewer_images_than_it_has_room_for) {
  problem whole{tilery::cpu(1)}, roomy{tilery::cpu(1), 7};
  EXPECT_EQ(whole.gradient(), roomy.gradient());
  EXPECT_EQ(whole.gradient(2), roomy.gradient(2));
}

TEST(residual_network, is_the_same_on_the_virtual_gpu) {
  problem host{tilery::cpu(1)};
  problem gpu{tilery::virtual_gpu(tilery::arch::sm_90)};
  EXPECT_NEAR(host.loss(), gpu.loss(), 1e-5);
  const std::vector<float> expected = host.gradient(), found = gpu.gradient();
  for (const parameter& of : host.network.tensors().all()) {
    float largest = 0;
    for (std::int64_t i = of.offset; i < of.offset + of.size; ++i)
      largest = std::max(largest, std::abs(expected[static_cast<std::size_t>(i)]));
    for (std::int64_t i = of.offset; i < of.offset + of.size; ++i)
      ASSERT_NEAR(found[static_cast<std::size_t>(i)], expected[static_cast<std::size_t>(i)], 1e-4f * largest)
          << of.name << " at " << i - of.offset;
  }
}

TEST(residual_network, has_the_tensors_that_it_says) {
  EXPECT_EQ(residual_network<tilery::cpu>::describe({28, 28, 1}, 10),
            "residual network of 16-32-64 channels, 77658 weights");
  const problem p{tilery::cpu(1)};
  const filter_bank filters = p.network.filters();
  EXPECT_EQ(filters.count, 16);
  EXPECT_EQ(filters.shape, (image_shape{3, 3, 3}));
  EXPECT_EQ(p.network.tensors().all().front().name, "stem.weight");
}

}  // namespace
