// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a convolution and its two gradients are compared with: sums in double over all products, found by walking over
// the pixels of y and the taps. And drawn problems. Their elements are whole numbers, so that all sums are exact in
// every accumulation type, and every executor must give the same bits.
#pragma once

#include "tests/draw.hpp"

#include <tilery/core/spatial.hpp>

#include <array>
#include <sstream>
#include <stdexcept>
#include <string>

namespace tilery_tests {

/// A convolution in one, two or three spatial dimensions, as one in three: depth, height, width. The first 3 - rank
/// extents are 1.
struct conv_case {
  int rank = 2;
  int images = 1, channels = 1, filters = 1, groups = 1;  // channels of x, channels of y: of all groups
  tilery::spatial<3> in = 1, taps = 1, stride = 1, before = 0, after = 0, dilation = 1;
  bool flipped = false;

  /// The extent of y: the number of positions of the filter in the padded input, counted one by one.
  int out(int d) const {
    int count = 0;
    while (count * stride[d] + (taps[d] - 1) * dilation[d] < before[d] + in[d] + after[d]) ++count;
    return count;
  }
  int channels_of_group() const { return channels / groups; }
  int filters_of_group() const { return filters / groups; }

  using extents = std::array<int, 5>;
  extents x() const { return {images, in[0], in[1], in[2], channels}; }
  extents w() const { return {filters, taps[0], taps[1], taps[2], channels_of_group()}; }
  extents y() const { return {images, out(0), out(1), out(2), filters}; }

  /// The problem in one line, for the messages of failures. problem_of_text() reads it.
  std::string text() const {
    std::ostringstream all;
    const auto list = [&](const char* name, const tilery::spatial<3>& of) {
      all << name << ' ' << of[0] << ',' << of[1] << ',' << of[2];
    };
    all << "conv" << rank << "d n " << images << " c " << channels << " k " << filters << " groups " << groups;
    list(" in", in), list(" taps", taps), list(" stride", stride), list(" before", before), list(" after", after);
    list(" dilation", dilation);
    all << (flipped ? " flipped" : "");
    return all.str();
  }
};

/// The problem of a line that text() wrote. Throws std::runtime_error for any other line.
inline conv_case problem_of_text(const std::string& line) {
  std::istringstream words(line);
  conv_case p;
  const auto expect = [&](const std::string& word) {
    std::string got;
    if (!(words >> got) || got != word) throw std::runtime_error("'" + word + "' is missing in: " + line);
  };
  const auto number = [&](const char* name, int& to) {
    expect(name);
    if (!(words >> to)) throw std::runtime_error(std::string(name) + " has no number in: " + line);
  };
  const auto list = [&](const char* name, tilery::spatial<3>& to) {
    char comma = ',', second = ',';
    expect(name);
    if (!(words >> to.of[0] >> comma >> to.of[1] >> second >> to.of[2]) || comma != ',' || second != ',')
      throw std::runtime_error(std::string(name) + " has no three numbers in: " + line);
  };
  const auto rank = line.find_first_of("123");
  if (line.rfind("conv", 0) != 0 || rank != 4) throw std::runtime_error("no convolution: " + line);
  p.rank = line[rank] - '0';
  expect("conv" + std::to_string(p.rank) + "d");
  number("n", p.images), number("c", p.channels), number("k", p.filters), number("groups", p.groups);
  list("in", p.in), list("taps", p.taps), list("stride", p.stride);
  list("before", p.before), list("after", p.after), list("dilation", p.dilation);
  std::string word;
  if (words >> word) p.flipped = word == "flipped";
  return p;
}

inline std::size_t size_of(const conv_case::extents& extents) {
  std::size_t size = 1;
  for (int extent : extents) size *= static_cast<std::size_t>(extent);
  return size;
}

/// The index of an element in a dense tensor.
inline std::size_t index_in(const conv_case::extents& extents, const conv_case::extents& at) {
  std::size_t index = 0;
  for (int d = 0; d < 5; ++d) index = index * static_cast<std::size_t>(extents[d]) + static_cast<std::size_t>(at[d]);
  return index;
}

/// Calls f(at) for each element of a tensor, the last dimension fastest.
template <class F>
void each_element(const conv_case::extents& extents, F&& f) {
  conv_case::extents at{};
  for (std::size_t left = size_of(extents); left > 0; --left) {
    f(at);
    for (int d = 4; d >= 0 && ++at[d] == extents[d]; --d) at[d] = 0;
  }
}

/// Calls f(i, j, o) for each product x[i] w[j] of a sum y[o], with the indices of the elements in dense tensors.
/// Products with padding are left out.
template <class F>
void each_product(const conv_case& p, F&& f) {
  const auto x = p.x(), w = p.w(), y = p.y();
  const int channels = p.channels_of_group(), filters = p.filters_of_group();
  const conv_case::extents taps_alone{1, p.taps[0], p.taps[1], p.taps[2], 1};
  each_element({p.images, y[1], y[2], y[3], p.groups}, [&](const conv_case::extents& out) {
    each_element(taps_alone, [&](const conv_case::extents& tap) {
      conv_case::extents from{out[0]}, of{};
      for (int d = 0; d < 3; ++d) {
        from[d + 1] = out[d + 1] * p.stride[d] - p.before[d] + tap[d + 1] * p.dilation[d];
        if (from[d + 1] < 0 || from[d + 1] >= p.in[d]) return;
        of[d + 1] = p.flipped ? p.taps[d] - 1 - tap[d + 1] : tap[d + 1];
      }
      from[4] = out[4] * channels, of[0] = out[4] * filters;
      auto to = out;
      to[4] = out[4] * filters;
      const std::size_t first_x = index_in(x, from), first_w = index_in(w, of), first_y = index_in(y, to);
      const std::size_t filter_stride = static_cast<std::size_t>(p.taps.volume()) * channels;
      for (int k = 0; k < filters; ++k)
        for (int c = 0; c < channels; ++c) f(first_x + c, first_w + k * filter_stride + c, first_y + k);
    });
  });
}

/// y, from dense x and w.
inline std::vector<double> conv_of(const conv_case& p, const std::vector<double>& x, const std::vector<double>& w) {
  std::vector<double> y(size_of(p.y()));
  each_product(p, [&](std::size_t i, std::size_t j, std::size_t o) { y[o] += x[i] * w[j]; });
  return y;
}
/// The gradient of x, from dense dy and w: each product is scattered to the element of x that it came from.
inline std::vector<double> data_gradient_of(const conv_case& p, const std::vector<double>& dy,
                                            const std::vector<double>& w) {
  std::vector<double> dx(size_of(p.x()));
  each_product(p, [&](std::size_t i, std::size_t j, std::size_t o) { dx[i] += dy[o] * w[j]; });
  return dx;
}
/// The gradient of w, from dense x and dy.
inline std::vector<double> weight_gradient_of(const conv_case& p, const std::vector<double>& x,
                                              const std::vector<double>& dy) {
  std::vector<double> dw(size_of(p.w()));
  each_product(p, [&](std::size_t i, std::size_t j, std::size_t o) { dw[j] += x[i] * dy[o]; });
  return dw;
}

/// n whole numbers in [-most, most], as T has them and as doubles.
template <class T>
struct whole_numbers {
  std::vector<T> values;
  std::vector<double> exact;

  whole_numbers() = default;
  explicit whole_numbers(std::size_t n, int most = 3) : values(n), exact(n) {
    for (std::size_t i = 0; i < n; ++i) {
      const int number = draw(-most, most);
      values[i] = tilery::convert<T>(static_cast<tilery::accumulator_t<T>>(number));
      exact[i] = number;
    }
  }
};

/// The sum of a[i] b[i]. It is exact for whole numbers.
inline double inner_product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The largest numbers that draw_conv draws. Channels and filters are of one group.
struct conv_limits {
  int images = 2, channels = 20, filters = 20, groups = 3;
  int extent = 9, taps = 4, stride = 4, dilation = 4, padding = 3;
};

/// Draws a problem with at least one pixel in y. Half of the channel numbers are multiples of 8; every fourth problem
/// has groups; padding, stride, taps and dilation differ between dimensions.
inline conv_case draw_conv(int rank, const conv_limits& most = {}) {
  const auto drawn_channels = [](int limit) {
    return limit >= 8 && draw(0, 1) ? 8 * draw(1, limit / 8) : draw(1, limit);
  };
  conv_case p;
  p.rank = rank;
  p.images = draw(1, most.images);
  p.groups = draw(0, 3) == 0 ? draw(1, most.groups) : 1;
  p.channels = p.groups * drawn_channels(most.channels), p.filters = p.groups * drawn_channels(most.filters);
  p.flipped = draw(0, 3) == 0;
  for (int d = 3 - rank; d < 3; ++d) do {
      p.in.of[d] = draw(1, most.extent), p.taps.of[d] = draw(1, most.taps);
      p.stride.of[d] = draw(1, most.stride), p.dilation.of[d] = draw(1, most.dilation);
      p.before.of[d] = draw(0, most.padding), p.after.of[d] = draw(0, most.padding);
    } while (p.out(d) == 0);
  return p;
}

}  // namespace tilery_tests
