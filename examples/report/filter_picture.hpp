// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Draws the filters of a network's first layer side by side. Each is scaled by its own largest weight: of a grey filter
// weights above 0 are blue and below 0 orange, the darker the larger; the three channels of a colour filter are the
// red, green and blue of a pixel, with 0 in the middle.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../io/picture.hpp"
#include "../networks/filter_bank.hpp"

namespace tilery_examples {

/// The colour of a weight's share of the largest, -1 to 1: white at 0.
inline void colour_of_weight(double share, std::uint8_t* rgb) {
  constexpr std::uint8_t above[3] = {0x1b, 0x5f, 0xb0}, below[3] = {0xc2, 0x57, 0x1a};
  for (int c = 0; c < 3; ++c) {
    const double full = (share > 0 ? above : below)[c];
    rgb[c] = static_cast<std::uint8_t>(std::lround(255 + (full - 255) * std::min(1.0, std::abs(share))));
  }
}

/// The picture of `filters`, whose weights are in `weights`, the tensor of all weights of a network: as many columns of
/// filters as rows, or one more, and each filter at least 24 pixels wide or high.
inline picture filter_picture(std::span<const float> weights, const filter_bank& filters) {
  const int rows = static_cast<int>(filters.shape.rows), columns = static_cast<int>(filters.shape.columns);
  const int channels = static_cast<int>(filters.shape.channels);
  const int across = static_cast<int>(std::ceil(std::sqrt(filters.count))),
            down = (filters.count + across - 1) / across;
  const int zoom = std::max(1, 24 / std::max(rows, columns)), gap = 4;
  const int width = gap + across * (columns * zoom + gap), height = gap + down * (rows * zoom + gap);
  picture drawn{static_cast<std::uint32_t>(height), static_cast<std::uint32_t>(width), 3,
                std::vector<std::uint8_t>(std::size_t{3} * width * height, 0xe4)};
  for (int f = 0; f < filters.count; ++f) {
    const auto weight = [&](int value) {
      return static_cast<double>(
          weights[static_cast<std::size_t>(filters.offset + f * filters.filter_stride + value * filters.value_stride)]);
    };
    double largest = 1e-30;
    for (int v = 0; v < rows * columns * channels; ++v) largest = std::max(largest, std::abs(weight(v)));
    const int top = gap + f / across * (rows * zoom + gap), left = gap + f % across * (columns * zoom + gap);
    for (int y = 0; y < rows * zoom; ++y)
      for (int x = 0; x < columns * zoom; ++x) {
        std::uint8_t* rgb =
            drawn.values.data() + std::size_t{3} * (static_cast<std::size_t>(top + y) * width + left + x);
        const int value = (y / zoom * columns + x / zoom) * channels;
        if (channels == 3)
          for (int c = 0; c < 3; ++c)
            rgb[c] = static_cast<std::uint8_t>(std::lround(127.5 + 127.5 * weight(value + c) / largest));
        else
          colour_of_weight(weight(value) / largest, rgb);
      }
  }
  return drawn;
}

}  // namespace tilery_examples
