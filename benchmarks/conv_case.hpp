// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One measured convolution: a shape of conv_shapes.txt, a number of images and a direction. Its operands and its result
// are told apart as a GEMM's are: a and b are read, c is written, whichever tensors they are.
//
//   direction         a    b    c
//   forward           x    w    y
//   data_gradient     dy   w    dx
//   weight_gradient   x    dy   dw
#pragma once

#include "benchmarks/conv_shapes.hpp"
#include "benchmarks/gemm_types.hpp"

#include <tilery/conv2d.hpp>

#include <array>

namespace tilery_benchmarks {

inline const char* name_of(tilery::conv_direction d) {
  return d == tilery::conv_direction::forward         ? "forward"
         : d == tilery::conv_direction::data_gradient ? "data_gradient"
                                                      : "weight_gradient";
}

/// The extents of a dense channels-last tensor: images (n, height, width, channels) or a filter (k, taps, channels of a
/// group).
using extents4 = std::array<std::int32_t, 4>;
inline std::int64_t size_of(const extents4& e) { return std::int64_t{e[0]} * e[1] * e[2] * e[3]; }

struct conv_case {
  conv_shape shape;
  int images = 1;
  tilery::conv_direction direction = tilery::conv_direction::forward;

  bool is_forward() const { return direction == tilery::conv_direction::forward; }
  bool is_data_gradient() const { return direction == tilery::conv_direction::data_gradient; }
  extents4 x() const { return {images, shape.height, shape.width, shape.channels}; }
  extents4 w() const { return {shape.filters, shape.taps_height, shape.taps_width, shape.channels / shape.groups}; }
  extents4 y() const { return {images, shape.out_height(), shape.out_width(), shape.filters}; }
  extents4 a() const { return is_data_gradient() ? y() : x(); }
  extents4 b() const { return is_forward() || is_data_gradient() ? w() : y(); }
  extents4 c() const { return is_forward() ? y() : is_data_gradient() ? x() : w(); }

  tilery::conv_options<2> options() const {
    return {.stride = shape.stride, .padding = shape.padding, .dilation = shape.dilation, .groups = shape.groups};
  }
  double flops() const { return shape.flops() * images; }
  /// Products that one element of c adds up, at most.
  int terms() const {
    const int taps = shape.taps_height * shape.taps_width;
    return is_forward()         ? taps * (shape.channels / shape.groups)
           : is_data_gradient() ? taps * (shape.filters / shape.groups)
                                : images * shape.out_height() * shape.out_width();
  }
  /// Bytes that must move through memory, at least.
  template <class T>
  double bytes() const {
    return static_cast<double>(sizeof(T)) * static_cast<double>(size_of(a()) + size_of(b())) +
           static_cast<double>(sizeof(gemm_result_t<T>)) * static_cast<double>(size_of(c()));
  }
  /// GROUP/NAME/DIRECTION/TYPE/images:N.
  std::string title(const std::string& type) const {
    return shape.group + "/" + shape.name + "/" + name_of(direction) + "/" + type + "/images:" + std::to_string(images);
  }
};

/// A dense tensor at this pointer.
template <class T>
tilery::tensor_view<T, 4> tensor_of(T* pointer, const extents4& e) {
  return {pointer, e[0], e[1], e[2], e[3]};
}

/// Calls tilery's convolution, without a policy.
template <class Executor, class T>
void convolve(const Executor& executor, const conv_case& s, const T* a, const T* b, gemm_result_t<T>* c) {
  const auto first = tensor_of(a, s.a());
  const auto second = tensor_of(b, s.b());
  const auto result = tensor_of(c, s.c());
  if (s.is_forward())
    tilery::conv2d(executor, first, second, result, s.options());
  else if (s.is_data_gradient())
    tilery::conv2d_data_gradient(executor, first, second, result, s.options());
  else
    tilery::conv2d_weight_gradient(executor, first, second, result, s.options());
}

}  // namespace tilery_benchmarks
