// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The loader of training images: each epoch has its own order of all images, crop and flip are what they say, and
// nothing depends on what was loaded before.
#include "examples/training/image_loader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace tilery_examples;

/// `count` images of 3 x 5 pixels; pixel (row, column) of channel c of image i is 100 c + 15 i + 5 row + column + 1.
labelled_images numbered_images(std::uint32_t count, std::uint32_t channels = 1) {
  labelled_images images{"train", count, 3, 5, channels, 256, {}, {}};
  for (std::uint32_t i = 0; i < count; ++i) {
    for (std::uint32_t pixel = 0; pixel < 15; ++pixel)
      for (std::uint32_t c = 0; c < channels; ++c)
        images.pixels.push_back(static_cast<std::uint8_t>(100 * c + 15 * i + pixel + 1));
    images.labels.push_back(static_cast<std::uint8_t>(i));
  }
  return images;
}

constexpr pixel_scale unchanged{0, 1};

/// The label and the values at a position.
std::pair<std::int32_t, std::vector<float>> loaded(const image_loader& loader, std::size_t position,
                                                   std::size_t values) {
  std::vector<float> image(values);
  const std::int32_t label = loader.load(position, image.data());
  return {label, image};
}

TEST(image_loader, loads_images_as_they_are_before_the_first_epoch) {
  const labelled_images images = numbered_images(4, 3);
  const image_loader loader(images, {10, 2}, {.crop = 2, .flip = true}, 1);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto [label, values] = loaded(loader, i, 45);
    EXPECT_EQ(label, static_cast<int>(i));
    for (std::size_t v = 0; v < 45; ++v) EXPECT_EQ(values[v], (static_cast<float>(images.pixels[45 * i + v]) - 10) / 2);
  }
}

TEST(image_loader, shows_each_image_once_an_epoch_in_a_new_order) {
  const labelled_images images = numbered_images(16);
  image_loader loader(images, unchanged, {}, 7);
  std::set<std::vector<std::int32_t>> orders;
  for (int epoch = 0; epoch < 20; ++epoch) {
    loader.begin_epoch(epoch);
    std::vector<std::int32_t> order;
    for (std::size_t i = 0; i < 16; ++i) {
      const auto [label, values] = loaded(loader, i, 15);
      EXPECT_EQ(values[0], static_cast<float>(15 * label + 1)) << "the label goes with its image";
      order.push_back(label);
    }
    orders.insert(order);
    std::sort(order.begin(), order.end());
    for (int i = 0; i < 16; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  }
  EXPECT_EQ(orders.size(), 20U);
}

TEST(image_loader, crops_and_flips_as_it_says) {
  const labelled_images images = numbered_images(16);
  image_loader loader(images, unchanged, {.crop = 1, .flip = true}, 3);
  std::map<std::vector<int>, int> seen;  // (down, right, mirrored): how often
  for (int epoch = 0; epoch < 60; ++epoch) {
    loader.begin_epoch(epoch);
    for (std::size_t i = 0; i < 16; ++i) {
      const auto [label, values] = loaded(loader, i, 15);
      std::vector<std::vector<int>> fits;
      for (int down = -1; down <= 1; ++down)
        for (int right = -1; right <= 1; ++right)
          for (int mirrored = 0; mirrored <= 1; ++mirrored) {
            bool same = true;
            for (int row = 0; row < 3; ++row)
              for (int column = 0; column < 5; ++column) {
                const int y = row + down, x = (mirrored ? 4 - column : column) + right;
                const bool inside = y >= 0 && y < 3 && x >= 0 && x < 5;
                const float expected = inside ? static_cast<float>(15 * label + 5 * y + x + 1) : 0;
                same = same && values[static_cast<std::size_t>(5 * row + column)] == expected;
              }
            if (same) fits.push_back({down, right, mirrored});
          }
      ASSERT_EQ(fits.size(), 1U) << "an image is one of the 18 that crop and flip can make";
      ++seen[fits[0]];
    }
  }
  EXPECT_EQ(seen.size(), 18U) << "all of them come";
  for (const auto& [change, times] : seen) EXPECT_NEAR(times, 960 / 18.0, 30);
}

TEST(image_loader, depends_on_seed_epoch_and_image_alone) {
  const labelled_images images = numbered_images(16, 3);
  const auto epoch_of = [&](image_loader& loader, int epoch) {
    loader.begin_epoch(epoch);
    std::vector<std::pair<std::int32_t, std::vector<float>>> all;
    for (std::size_t i = 0; i < 16; ++i) all.push_back(loaded(loader, i, 45));
    return all;
  };
  const image_changes changes{.crop = 2, .flip = true};
  image_loader loader(images, unchanged, changes, 5), late(images, unchanged, changes, 5),
      other(images, unchanged, changes, 6);
  for (int epoch = 0; epoch < 3; ++epoch) epoch_of(loader, epoch);
  const auto expected = epoch_of(loader, 3);
  EXPECT_EQ(epoch_of(late, 3), expected) << "as after a resumption";
  EXPECT_NE(epoch_of(other, 3), expected);

  // Threads that load images in any order get the same.
  std::vector<std::pair<std::int32_t, std::vector<float>>> together(16);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = 16; i-- > 0;)
          if (i % 4 == t) together[i] = loaded(loader, i, 45);
      });
  }
  EXPECT_EQ(together, expected);
}

TEST(pixel_scale, gives_mean_0_and_variance_1) {
  labelled_images images = numbered_images(8);
  const pixel_scale scale = pixel_scale::of(images);
  const image_loader loader(images, scale);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < 8; ++i)
    for (const float v : loaded(loader, i, 15).second) sum += v, squares += static_cast<double>(v) * v;
  EXPECT_NEAR(sum / 120, 0, 1e-6);
  EXPECT_NEAR(squares / 120, 1, 1e-6);
  std::fill(images.pixels.begin(), images.pixels.end(), std::uint8_t{9});
  EXPECT_EQ(loaded(image_loader(images, pixel_scale::of(images)), 0, 15).second[0], 0) << "images without contrast";
}

}  // namespace
