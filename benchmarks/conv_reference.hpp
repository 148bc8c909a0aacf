// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reference results for the convolution benchmarks' data: elements of the result, added up in double on the host from
// the formulas of the three directions. The operands are sequences of counted_uniform, of which no copy is needed.
#pragma once

#include "benchmarks/conv_case.hpp"
#include "benchmarks/gemm_reference.hpp"

namespace tilery_benchmarks {

/// Calls add(index in a, index in b) for each product of element `index` of c.
template <class Add>
void for_each_product(const conv_case& s, std::int64_t index, const Add& add) {
  const conv_shape& of = s.shape;
  const int height = of.height, width = of.width, p_end = of.out_height(), q_end = of.out_width();
  const int group_channels = of.channels / of.groups, group_filters = of.filters / of.groups;
  const auto x_at = [&](std::int64_t n, int h, int v, int channel) {
    return ((n * height + h) * width + v) * of.channels + channel;
  };
  const auto y_at = [&](std::int64_t n, int p, int q, int filter) {
    return ((n * p_end + p) * q_end + q) * of.filters + filter;
  };
  const auto w_at = [&](std::int64_t filter, int r, int t, int channel) {
    return ((filter * of.taps_height + r) * of.taps_width + t) * group_channels + channel;
  };
  const extents4 extents = s.c();
  const int last = static_cast<int>(index % extents[3]), third = static_cast<int>(index / extents[3] % extents[2]);
  const int second = static_cast<int>(index / extents[3] / extents[2] % extents[1]);
  const int first = static_cast<int>(index / extents[3] / extents[2] / extents[1]);
  const auto in = [](int i, int end) { return i >= 0 && i < end; };
  if (s.is_forward()) {
    const int group = last / group_filters;
    for (int r = 0; r < of.taps_height; ++r)
      for (int t = 0; t < of.taps_width; ++t) {
        const int h = second * of.stride - of.padding + r * of.dilation;
        const int v = third * of.stride - of.padding + t * of.dilation;
        if (in(h, height) && in(v, width))
          for (int c = 0; c < group_channels; ++c)
            add(x_at(first, h, v, group * group_channels + c), w_at(last, r, t, c));
      }
  } else if (s.is_data_gradient()) {
    const int group = last / group_channels;
    for (int r = 0; r < of.taps_height; ++r)
      for (int t = 0; t < of.taps_width; ++t) {
        const int p = second + of.padding - r * of.dilation, q = third + of.padding - t * of.dilation;
        if (p % of.stride == 0 && q % of.stride == 0 && in(p / of.stride, p_end) && in(q / of.stride, q_end) &&
            p >= 0 && q >= 0)
          for (int k = group * group_filters; k < (group + 1) * group_filters; ++k)
            add(y_at(first, p / of.stride, q / of.stride, k), w_at(k, r, t, last % group_channels));
      }
  } else {
    const int channel = first / group_filters * group_channels + last;
    for (int n = 0; n < s.images; ++n)
      for (int p = 0; p < p_end; ++p)
        for (int q = 0; q < q_end; ++q) {
          const int h = p * of.stride - of.padding + second * of.dilation;
          const int v = q * of.stride - of.padding + third * of.dilation;
          if (in(h, height) && in(v, width)) add(x_at(n, h, v, channel), y_at(n, p, q, first));
        }
  }
}

/// The element of c in double, from operands that begin at these indices of their sequences.
template <class T>
double exact_element(const conv_case& s, std::int64_t a_begin, std::int64_t b_begin, std::int64_t index) {
  double sum = 0;
  for_each_product(s, index, [&](std::int64_t a, std::int64_t b) {
    sum += as_double(counted_uniform<T>(seed_of_a, static_cast<std::uint64_t>(a_begin + a))) *
           as_double(counted_uniform<T>(seed_of_b, static_cast<std::uint64_t>(b_begin + b)));
  });
  return sum;
}

/// ||c - exact|| / ||exact|| over sampled elements of c: the first, the last and even steps between them. As many as
/// some 2^24 products give, from 8 to 256. NaN where c has one. `element(index)` gives an element of c on the host.
template <class T, class Element>
double sampled_conv_error(const conv_case& s, std::int64_t a_begin, std::int64_t b_begin, const Element& element) {
  const std::int64_t size = size_of(s.c());
  const std::int64_t count = std::min<std::int64_t>(size, std::clamp<std::int64_t>((1 << 24) / s.terms(), 8, 256));
  double differences = 0, squares = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t index = count == 1 ? 0 : (size - 1) * i / (count - 1);
    const double exact = exact_element<T>(s, a_begin, b_begin, index);
    const double difference = as_double(element(index)) - exact;
    differences += difference * difference, squares += exact * exact;
  }
  return squares == 0 ? std::sqrt(differences) : std::sqrt(differences / squares);
}

}  // namespace tilery_benchmarks
