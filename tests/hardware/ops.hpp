// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops whose kernels are counted on a GPU and on the virtual one: whole launches, with all that a compiler does to them.
#pragma once

#include <tilery/column_sum.hpp>
#include <tilery/conv.hpp>
#include <tilery/gemm.hpp>
#include <tilery/optimizer.hpp>
#include <tilery/pool.hpp>
#include <tilery/softmax.hpp>

#include <string>

namespace tilery_tests {

struct gemm_case {
  int m, n, k;
  bool a_transposed, b_transposed;
};

/// A GEMM of elements of T by a policy that stays, so that a new candidate is not another launch under an old name.
template <class T, tilery::gemm_simt_policy P>
struct gemm_op {
  gemm_case shape;

  std::string name() const {
    return std::string("SIMT GEMM ") + tilery::element<T>::name + ", " + std::to_string(shape.m) + " x " +
           std::to_string(shape.n) + " x " + std::to_string(shape.k) + ", " + (shape.a_transposed ? "T" : "N") +
           (shape.b_transposed ? "T" : "N");
  }
  template <class Executor>
  void operator()(const Executor& on) const {
    using namespace tilery;
    const auto [m, n, k, a_transposed, b_transposed] = shape;
    const buffer<T, 2> a(on, a_transposed ? k : m, a_transposed ? m : k),
        b(on, b_transposed ? n : k, b_transposed ? k : n), c(on, m, n);
    fill_zero(on, a), fill_zero(on, b);
    const auto av = a.view(), bv = b.view();
    gemm<P>(on, a_transposed ? transposed(av) : av, b_transposed ? transposed(bv) : bv, c);
  }
};

/// 16-byte accesses, each operand along the dimension in which it is contiguous.
template <class T>
constexpr tilery::gemm_simt_policy aligned_policy(bool a_transposed, bool b_transposed) {
  using tilery::along;
  constexpr int vector = static_cast<int>(16 / sizeof(T));
  constexpr bool wide = sizeof(T) == 8;
  return {.block = wide ? tilery::tile_mnk{64, 64, 8} : tilery::tile_mnk{128, 128, 2 * vector},
          .lane = wide ? tilery::tile_mn{4, 4} : tilery::tile_mn{8, 8},
          .a = a_transposed ? along::outer : along::k,
          .b = b_transposed ? along::k : along::outer,
          .vector = vector,
          .c_vector = wide ? 2 : 4};
}

template <class T, bool ATransposed, bool BTransposed, class Visit>
void visit_aligned_gemm(Visit visit, int k) {
  const gemm_op<T, aligned_policy<T>(ATransposed, BTransposed)> op{{256, 256, k, ATransposed, BTransposed}};
  visit(op.name(), op);
}

/// Any strides, element by element.
inline constexpr tilery::gemm_simt_policy strided_policy = {.block = {64, 64, 8},
                                                            .lane = {4, 4},
                                                            .a = tilery::along::any,
                                                            .b = tilery::along::any,
                                                            .vector = 1,
                                                            .c_vector = 1};

struct conv_case {
  int images, size, channels, filters, taps, stride, groups;

  int out_size() const { return (size - 1) / stride + 1; }
};

/// A convolution of square f32 images, channels-last, in one direction and by a policy that stays. The padding is half
/// the filter.
template <tilery::conv_direction Direction, auto P>
struct conv_op {
  const char* what;
  conv_case shape;

  std::string name() const {
    const auto& s = shape;
    const std::string taps = std::to_string(s.taps), size = std::to_string(s.size);
    return std::string(what) + " f32, " + std::to_string(s.images) + " x " + size + " x " + size + " x " +
           std::to_string(s.channels) + ", " + std::to_string(s.filters) + " filters of " + taps + " x " + taps +
           ", stride " + std::to_string(s.stride);
  }
  template <class Executor>
  void operator()(const Executor& on) const {
    using namespace tilery;
    const auto& s = shape;
    const buffer<float, 4> x(on, s.images, s.size, s.size, s.channels),
        w(on, s.filters, s.taps, s.taps, s.channels / s.groups), y(on, s.images, s.out_size(), s.out_size(), s.filters);
    const conv_options<2> options{.stride = s.stride, .padding = s.taps / 2, .groups = s.groups};
    if constexpr (Direction == conv_direction::forward) {
      fill_zero(on, x), fill_zero(on, w);
      conv2d<P>(on, x, w, y, options);
    } else if constexpr (Direction == conv_direction::data_gradient) {
      fill_zero(on, y), fill_zero(on, w);
      conv2d_data_gradient<P>(on, y, w, x, options);
    } else {
      fill_zero(on, x), fill_zero(on, y);
      conv2d_weight_gradient<P>(on, x, y, w, options);
    }
  }
};

/// 16-byte accesses along the dimension in which a direction's operands are contiguous.
constexpr tilery::gemm_simt_policy conv_policy(tilery::conv_direction direction) {
  return {.block = {64, 64, 16},
          .lane = {8, 4},
          .a = tilery::a_layout_of(direction),
          .b = tilery::b_layout_of(direction),
          .vector = 4,
          .c_vector = 4};
}
inline constexpr tilery::depthwise_policy depthwise_3_taps{.width = 3};

/// visit(name, call) for the convolutions. Those of channels that are no multiple of a step or of a tile, and the
/// image's border, are among them. The weight gradient has too few pixels to be shared among blocks, which would be a
/// second launch.
template <class Visit>
void for_each_conv(Visit visit) {
  constexpr auto forward = tilery::conv_direction::forward, data = tilery::conv_direction::data_gradient,
                 weight = tilery::conv_direction::weight_gradient;
  const auto visit_op = [&](const auto& op) { visit(op.name(), op); };
  using forward_op = conv_op<forward, conv_policy(forward)>;
  using data_op = conv_op<data, conv_policy(data)>;
  visit_op(forward_op{"SIMT convolution", {2, 14, 64, 64, 3, 1, 1}});
  visit_op(forward_op{"SIMT convolution", {2, 15, 36, 40, 3, 2, 1}});
  visit_op(conv_op<forward, strided_policy>{"SIMT convolution, element by element,", {1, 15, 3, 20, 7, 2, 1}});
  visit_op(data_op{"SIMT data gradient", {2, 14, 64, 64, 3, 1, 1}});
  visit_op(data_op{"SIMT data gradient", {2, 14, 64, 64, 3, 2, 1}});  // four residue classes in one launch
  visit_op(conv_op<weight, conv_policy(weight)>{"SIMT weight gradient", {1, 7, 64, 64, 3, 1, 1}});
  visit_op(conv_op<forward, depthwise_3_taps>{"depthwise convolution", {2, 14, 64, 64, 3, 1, 64}});
  visit_op(conv_op<data, depthwise_3_taps>{"depthwise data gradient", {2, 14, 64, 64, 3, 1, 64}});
}

/// visit(name, call) for each; call(executor) launches one kernel.
template <class Visit>
void for_each_op(Visit visit) {
  using namespace tilery;
  visit_aligned_gemm<float, false, false>(visit, 64);
  visit_aligned_gemm<float, false, true>(visit, 64);
  visit_aligned_gemm<float, true, false>(visit, 64);
  visit_aligned_gemm<float, true, true>(visit, 64);
  visit_aligned_gemm<float, false, false>(visit, 256);
  const gemm_op<float, strided_policy> strided{{200, 100, 50, false, false}};
  visit(strided.name(), strided);
  visit_aligned_gemm<half, false, false>(visit, 64);
  visit_aligned_gemm<half, true, true>(visit, 64);
  visit_aligned_gemm<double, false, false>(visit, 64);
  for_each_conv(visit);
  visit("max_pool2d f32, 2 x 14 x 14 x 64, windows of 3 x 3, stride 2", [](const auto& on) {
    const buffer<float, 4> x(on, 2, 14, 14, 64), y(on, 2, 7, 7, 64);
    fill_zero(on, x);
    max_pool2d(on, x, y, {.window = 3, .stride = 2, .padding = 1});
  });
  for (const int columns : {64, 100, 1024, 4096, 70001})  // the last is streamed, and its rows begin inside sectors
    visit("softmax f32, 8 x " + std::to_string(columns), [=](const auto& on) {
      const buffer<float, 2> x(on, 8, columns), y(on, 8, columns);
      fill_zero(on, x);
      softmax(on, x, y);
    });
  visit("column_sum f32, 64 x 256", [](const auto& on) {
    const buffer<float, 2> x(on, 64, 256);
    const buffer<float> y(on, 256);
    fill_zero(on, x);
    column_sum(on, x, y);
  });
  visit("adam f32, 4096", [](const auto& on) {
    const buffer<float> w(on, 4096), dw(on, 4096), m(on, 4096), v(on, 4096);
    for (const auto* b : {&w, &dw, &m, &v}) fill_zero(on, *b);
    adam(on, w, dw, m, v, {});
  });
}

}  // namespace tilery_tests
