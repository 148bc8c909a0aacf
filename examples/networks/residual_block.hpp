// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A residual block (He, Zhang, Ren, Sun: Deep residual learning for image recognition, arXiv:1512.03385), with a scale
// and a bias for each channel in place of batch normalisation:
//   middle = relu(first(x) + bias 1)
//   y = relu(second(middle) + bias 2 + shortcut(x))
// The shortcut is x itself, or a convolution of 1 x 1 where the block changes the size or the channels of its images.
#pragma once

#include <optional>

#include "conv_layer.hpp"

namespace tilery_examples {

/// What a block does to its images.
struct block_shape {
  int inputs, outputs, stride;
  bool has_projection() const { return inputs != outputs || stride != 1; }
};

/// The extent of images after a convolution of this stride that keeps their size with a stride of 1.
inline int after_stride(int extent, int stride) { return (extent - 1) / stride + 1; }

template <class Executor>
class residual_block {
public:
  /// Adds the block's tensors to a network's. The second convolution begins with scales of a half: the images pass the
  /// shortcuts, and the sums do not grow from block to block.
  static void list(parameter_list& all, const std::string& name, const block_shape& s) {
    conv_layer<Executor>::list(all, name + ".first", first_of(s));
    all.add(name + ".first.bias", {static_cast<std::uint64_t>(s.outputs)});
    conv_layer<Executor>::list(all, name + ".second", second_of(s), 0.5f);
    all.add(name + ".second.bias", {static_cast<std::uint64_t>(s.outputs)});
    if (s.has_projection()) conv_layer<Executor>::list(all, name + ".shortcut", shortcut_of(s));
  }
  /// How many tensors `list` adds.
  static int tensors(const block_shape& s) { return (s.has_projection() ? 3 : 2) * conv_layer<Executor>::tensors + 2; }

  /// For at most `batch` images of `rows` x `columns` pixels, with the tensors from this number on.
  residual_block(const Executor& executor, const parameters<Executor>& all, int number, const block_shape& s, int batch,
                 int rows, int columns)
      : first_(executor, all, number, first_of(s)),
        second_(executor, all, number + 3, second_of(s)),
        first_bias_(all.weight(number + 2), s.outputs),
        first_bias_gradient_(all.gradient(number + 2), s.outputs),
        second_bias_(all.weight(number + 5), s.outputs),
        second_bias_gradient_(all.gradient(number + 5), s.outputs),
        middle_(executor, batch, after_stride(rows, s.stride), after_stride(columns, s.stride), s.outputs),
        middle_gradient_(executor, batch, middle_.extent(1), middle_.extent(2), s.outputs),
        y_(executor, batch, middle_.extent(1), middle_.extent(2), s.outputs),
        y_gradient_(executor, batch, middle_.extent(1), middle_.extent(2), s.outputs) {
    if (s.has_projection()) shortcut_.emplace(executor, all, number + 6, shortcut_of(s));
  }

  void scale() {
    first_.scale(), second_.scale();
    if (shortcut_) shortcut_->scale();
  }

  images_view forward(const read_images& x) {
    using namespace tilery;
    const images_view middle = first_images(middle_, x.extent(0)), y = first_images(y_, x.extent(0));
    first_.forward(x, middle, epilogue::bias(first_bias_) | epilogue::relu());
    if (shortcut_) {
      shortcut_->forward(x, y);
      second_.forward(middle, y, epilogue::bias(second_bias_) | epilogue::relu(), 1);  // y is added before the epilogue
    } else {
      second_.forward(middle, y, epilogue::bias(second_bias_) | epilogue::residual(as_matrix(x)) | epilogue::relu());
    }
    return y;
  }

  /// Where the gradient of y before its relu belongs, before `backward`; the gradient of the second bias goes with it.
  images_view y_gradient(int batch) { return first_images(y_gradient_, batch); }
  /// The last result of `forward`.
  images_view y(int batch) { return first_images(y_, batch); }
  const tilery::vector_view<float>& second_bias_gradient() const { return second_bias_gradient_; }

  /// From the gradient of y before its relu: those of the block's tensors, and of x before its relu (x is the output of
  /// one), with that gradient's sum over all pixels, which is the gradient of the bias that was added to x.
  void backward(const read_images& x, const images_view& dx, const tilery::vector_view<float>& bias_gradient_of_x) {
    using namespace tilery;
    const int n = x.extent(0);
    const read_images middle = first_images(middle_, n), dy = y_gradient(n);
    const images_view dmiddle = first_images(middle_gradient_, n);

    second_.weight_gradient(middle, dy);
    second_.data_gradient(dy, dmiddle,
                          epilogue::times_gradient<activation::relu>(as_matrix(middle)) |
                              epilogue::bias_gradient(first_bias_gradient_));
    first_.weight_gradient(x, dmiddle);
    const auto before_relu =
        epilogue::times_gradient<activation::relu>(as_matrix(x)) | epilogue::bias_gradient(bias_gradient_of_x);
    if (shortcut_) {
      shortcut_->weight_gradient(x, dy);
      shortcut_->data_gradient(dy, dx);
      first_.data_gradient(dmiddle, dx, before_relu, 1);
    } else {
      first_.data_gradient(dmiddle, dx, epilogue::residual(as_matrix(dy)) | before_relu);
    }
  }

private:
  static conv_shape first_of(const block_shape& s) { return {s.inputs, s.outputs, 3, s.stride}; }
  static conv_shape second_of(const block_shape& s) { return {s.outputs, s.outputs, 3, 1}; }
  static conv_shape shortcut_of(const block_shape& s) { return {s.inputs, s.outputs, 1, s.stride}; }

  conv_layer<Executor> first_, second_;
  std::optional<conv_layer<Executor>> shortcut_;
  tilery::vector_view<float> first_bias_, first_bias_gradient_, second_bias_, second_bias_gradient_;  // (output)
  tilery::buffer<float, 4> middle_, middle_gradient_, y_, y_gradient_;  // (image, row, column, output)
};

}  // namespace tilery_examples
