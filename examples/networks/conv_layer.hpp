// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A square convolution whose output channels have a scale each. The bias, and what else follows a convolution, is an
// epilogue of the caller's.
#pragma once

#include <tilery/conv.hpp>
#include <tilery/core/buffer.hpp>

#include <string>

#include "../training/parameters.hpp"
#include "scaled_filters.hpp"

namespace tilery_examples {

/// Images in an executor's memory: (image, row, column, channel).
using images_view = tilery::tensor_view<float, 4>;
using read_images = tilery::tensor_view<const float, 4>;

/// The same images as a matrix (pixel of any image, channel), as the operands of epilogues are.
template <class T>
tilery::matrix_view<T> as_matrix(const tilery::tensor_view<T, 4>& images) {
  return tilery::matrix(images.pointer, images.extent(0) * images.extent(1) * images.extent(2), images.extent(3));
}

/// The first `count` images of a buffer.
inline images_view first_images(const tilery::buffer<float, 4>& all, int count) {
  return tilery::tensor(all.data_handle(), {count, all.extent(1), all.extent(2), all.extent(3)});
}

/// What a convolution has: channels in and out, the extent of its window, its stride. It is padded so that with a
/// stride of 1 the images keep their size.
struct conv_shape {
  int inputs, outputs, window, stride;
};

template <class Executor>
class conv_layer {
public:
  /// Adds the layer's tensors, NAME.weight (output, row, column, input) and NAME.scale (output), to a network's. Every
  /// scale begins with `scale`.
  static void list(parameter_list& all, const std::string& name, const conv_shape& s, float scale = 1) {
    const auto extent = [](int n) { return static_cast<std::uint64_t>(n); };
    all.add_drawn(name + ".weight", {extent(s.outputs), extent(s.window), extent(s.window), extent(s.inputs)},
                  s.window * s.window * s.inputs);
    all.add(name + ".scale", {extent(s.outputs)}, scale);
  }
  static constexpr int tensors = 2;  // that `list` adds

  /// The layer whose first tensor has this number.
  conv_layer(const Executor& executor, const parameters<Executor>& all, int number, const conv_shape& s)
      : executor_(executor),
        options_{.stride = s.stride, .padding = s.window / 2},
        filters_(filters(all.weight(number), s)),
        filters_gradient_(filters(all.gradient(number), s)),
        scale_(all.weight(number + 1), s.outputs),
        scale_gradient_(all.gradient(number + 1), s.outputs),
        scaled_(executor, s.outputs, s.window, s.window, s.inputs),
        scaled_gradient_(executor, s.outputs, s.window, s.window, s.inputs) {}

  /// Multiplies the scales into the filters: to be called when either has changed, before the functions below.
  void scale() {
    const auto from = rows(filters_), to = rows(scaled_.view());
    tilery::launch<scale_filters>(executor_, {from.extent(0)},
                                  scale_filters_params{tilery::for_kernel<const float>(from),
                                                       tilery::gmem_ptr<const float>(scale_.pointer),
                                                       tilery::for_kernel<float>(to)},
                                  {tilery::reads("filters", from), tilery::reads("scale", scale_),
                                   tilery::writes("scaled", to)});
  }

  /// y = epilogue(scale conv(x, filters) + beta y).
  template <class Epilogue = tilery::epilogue::none>
  void forward(const read_images& x, const images_view& y, const Epilogue& e = {}, double beta = 0) const {
    tilery::conv2d<kernels>(executor_, x, scaled_.read(), y, options_, e, {.beta = beta});
  }

  /// dx = epilogue(the gradient of x from that of y + beta dx).
  template <class Epilogue = tilery::epilogue::none>
  void data_gradient(const read_images& dy, const images_view& dx, const Epilogue& e = {}, double beta = 0) const {
    tilery::conv2d_data_gradient<kernels>(executor_, dy, scaled_.read(), dx, options_, e, {.beta = beta});
  }

  /// The gradients of filters and scales.
  void weight_gradient(const read_images& x, const read_images& dy) {
    tilery::conv2d_weight_gradient<kernels>(executor_, x, dy, scaled_gradient_, options_);
    const auto of_filters = rows(filters_), of_scaled = rows(scaled_gradient_.view()), to = rows(filters_gradient_);
    tilery::launch<scale_filters_backward>(executor_, {to.extent(0)},
                                           scale_filters_backward_params{tilery::for_kernel<const float>(of_filters),
                                                                         tilery::for_kernel<const float>(of_scaled),
                                                                         tilery::gmem_ptr<const float>(scale_.pointer),
                                                                         tilery::for_kernel<float>(to),
                                                                         tilery::gmem_ptr<float>(
                                                                             scale_gradient_.pointer)},
                                           {tilery::reads("filters", of_filters),
                                            tilery::reads("scaled_gradient", of_scaled), tilery::reads("scale", scale_),
                                            tilery::writes("filters_gradient", to),
                                            tilery::writes("scale_gradient", scale_gradient_)});
  }

private:
  // No layer is depthwise, or a 1 x 1 with a stride of 1. Without the kernels for these, a network compiles in half the
  // time.
  static constexpr auto kernels = tilery::gathered_kernels;

  static images_view filters(float* first, const conv_shape& s) {
    return tilery::tensor(first, {s.outputs, s.window, s.window, s.inputs});
  }
  /// Filters as a matrix, a filter a row.
  static tilery::matrix_view<float> rows(const images_view& of) {
    return tilery::matrix(of.pointer, of.extent(0), of.extent(1) * of.extent(2) * of.extent(3));
  }

  Executor executor_;
  tilery::conv_options<2> options_;
  images_view filters_, filters_gradient_;             // (output, row, column, input)
  tilery::vector_view<float> scale_, scale_gradient_;  // (output)
  tilery::buffer<float, 4> scaled_, scaled_gradient_;  // scale times filters
};

}  // namespace tilery_examples
