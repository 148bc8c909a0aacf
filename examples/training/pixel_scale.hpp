// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The scale that gives the pixels of the training images mean 0 and variance 1. A network keeps it: the images to test
// and to classify are scaled alike.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "../io/labelled_images.hpp"

namespace tilery_examples {

/// Mean and deviation of the pixels of the training images, all channels together.
struct pixel_scale {
  float mean, deviation;

  static pixel_scale of(const labelled_images& images) {
    double sum = 0, squares = 0;
    for (const std::uint8_t p : images.pixels) sum += p, squares += static_cast<double>(p) * p;
    const double n = static_cast<double>(images.pixels.size()), mean = sum / n;
    return {static_cast<float>(mean), static_cast<float>(std::sqrt(std::max(squares / n - mean * mean, 1e-6)))};
  }

  /// The network's input for each of the 256 values of a pixel.
  std::array<float, 256> table() const {
    std::array<float, 256> scaled{};
    for (int p = 0; p < 256; ++p) scaled[static_cast<std::size_t>(p)] = (static_cast<float>(p) - mean) / deviation;
    return scaled;
  }
};

}  // namespace tilery_examples
