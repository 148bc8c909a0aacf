// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A depthwise convolution as a test case: its shapes, options and memory order, and the products that define it, one
// after another.
#pragma once

#include "tests/draw.hpp"

#include <tilery/ops/conv_checks.hpp>

#include <array>
#include <sstream>
#include <string>

namespace tilery_tests {

/// Calls f with each index of a shape, the last dimension fastest.
template <class F>
void each_index(const std::array<int, 5>& shape, F&& f) {
  std::array<int, 5> at{};
  for (at[0] = 0; at[0] < shape[0]; ++at[0])
    for (at[1] = 0; at[1] < shape[1]; ++at[1])
      for (at[2] = 0; at[2] < shape[2]; ++at[2])
        for (at[3] = 0; at[3] < shape[3]; ++at[3])
          for (at[4] = 0; at[4] < shape[4]; ++at[4]) f(at);
}

/// The order of the dimensions in memory, and gaps.
enum class image_order { channels_last, channels_first, padded };

struct depthwise_case {
  int images = 2, channels = 8, multiplier = 1;
  std::array<int, 3> in{1, 6, 9}, taps{1, 3, 3}, stride{1, 1, 1}, before{}, after{}, dilation{1, 1, 1};
  bool flipped = false;
  image_order order = image_order::channels_last;
  int beside = 0;  // elements from an aligned address to the first one

  int out(int d) const {
    return static_cast<int>(tilery::conv_extent(in[d], before[d], after[d], dilation[d], taps[d], stride[d]));
  }
  std::array<int, 5> shape_x() const { return {images, in[0], in[1], in[2], channels}; }
  std::array<int, 5> shape_w() const { return {channels * multiplier, taps[0], taps[1], taps[2], 1}; }
  std::array<int, 5> shape_y() const { return {images, out(0), out(1), out(2), channels * multiplier}; }
  std::size_t size_y() const {
    std::size_t n = 1;
    for (const int extent : shape_y()) n *= static_cast<std::size_t>(extent);
    return n;
  }
  tilery::conv_options<3> options() const {
    tilery::conv_options<3> o;
    for (int d = 0; d < 3; ++d) {
      o.stride.of[d] = stride[d], o.padding.of[d] = before[d], o.padding_after.of[d] = after[d];
      o.dilation.of[d] = dilation[d];
    }
    o.groups = channels, o.flipped = flipped;
    return o;
  }

  /// Sets the strides of a tensor in this order, and returns the elements that it spans.
  std::int64_t strides_of(const std::array<int, 5>& shape, std::array<std::int64_t, 5>& strides) const {
    static constexpr int last[] = {4, 3, 2, 1, 0}, first[] = {3, 2, 1, 4, 0};
    std::int64_t step = 1;
    for (const int d : order == image_order::channels_first ? first : last) {
      strides[d] = step, step *= shape[d];
      if (order == image_order::padded) step += d == 4 ? 8 : d;
    }
    return step;
  }

  /// Calls f(element of x, element of w, element of y) for each product; elements are numbered in the order of the
  /// dimensions.
  template <class F>
  void scatter(F&& f) const {
    const auto y = shape_y(), x = shape_x();
    int of_y = 0;
    each_index(y, [&](const std::array<int, 5>& at) {
      each_index({1, taps[0], taps[1], taps[2], 1}, [&](const std::array<int, 5>& tap) {
        int of_x = at[0], of_w = at[4];
        bool inside = true;
        for (int d = 0; d < 3; ++d) {
          const int coordinate = at[d + 1] * stride[d] - before[d] + tap[d + 1] * dilation[d];
          inside = inside && coordinate >= 0 && coordinate < in[d];
          of_x = of_x * x[d + 1] + coordinate;
          of_w = of_w * taps[d] + (flipped ? taps[d] - 1 - tap[d + 1] : tap[d + 1]);
        }
        if (inside) f(of_x * channels + at[4] / multiplier, of_w, of_y);
      });
      ++of_y;
    });
  }

  static depthwise_case drawn() {
    for (;;) {
      depthwise_case c;
      c.images = draw(1, 3), c.multiplier = draw(0, 4) ? 1 : draw(2, 3);
      static constexpr int counts[] = {2, 3, 8, 12, 16, 24, 33, 40};
      c.channels = counts[draw(0, 7)];
      for (int d = draw(0, 2); d < 3; ++d) {
        c.in[d] = draw(1, d == 2 ? 18 : 7), c.taps[d] = draw(1, d == 2 ? 7 : 4), c.stride[d] = draw(1, 4);
        c.dilation[d] = draw(1, 4), c.before[d] = draw(0, 3), c.after[d] = draw(0, 3);
        if (draw(0, 1)) c.stride[d] = c.dilation[d] = 1;
      }
      if (c.in[0] > 1) c.channels = c.channels > 16 ? 16 : c.channels;
      c.flipped = draw(0, 2) == 0;
      c.order = static_cast<image_order>(draw(0, 2));
      c.beside = draw(0, 2) ? 0 : draw(1, 9);
      if (c.out(0) > 0 && c.out(1) > 0 && c.out(2) > 0) return c;
    }
  }

  std::string text() const {
    std::ostringstream all;
    all << images << " images, " << channels << " x " << multiplier << " channels, in";
    const auto add = [&](const char* name, const std::array<int, 3>& of) {
      all << name << " " << of[0] << "," << of[1] << "," << of[2];
    };
    add("", in), add("; taps", taps), add("; stride", stride), add("; before", before), add("; after", after);
    add("; dilation", dilation);
    all << (flipped ? "; flipped" : "") << "; order " << static_cast<int>(order) << "; beside " << beside;
    return all.str();
  }
};

}  // namespace tilery_tests
