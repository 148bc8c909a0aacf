// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A small residual network: a convolution, three residual blocks of 16, 32 and 64 channels (the second and third halve
// the images), the mean over all pixels, and a linear layer. Forward and backward are written out, one op a line.
#pragma once

#include <tilery/activation.hpp>
#include <tilery/column_sum.hpp>
#include <tilery/gemm.hpp>
#include <tilery/global_pool.hpp>

#include <array>
#include <vector>

#include "../io/picture.hpp"
#include "filter_bank.hpp"
#include "residual_block.hpp"

namespace tilery_examples {

template <class Executor>
class residual_network {
public:
  static constexpr const char* name = "residual";

  /// The network in words, for the trainer.
  static std::string describe(const image_shape& image, int classes) {
    return "residual network of 16-32-64 channels, " + std::to_string(list(image, classes, 0).weights()) + " weights";
  }

  /// For batches of at most `batch` images. Filters are drawn with `seed`; the last layer's weights and all biases are
  /// 0.
  residual_network(const Executor& executor, const image_shape& image, int classes, int batch, std::uint64_t seed)
      : executor_(executor),
        image_(image),
        tensors_(executor, list(image, classes, seed)),
        stem_(executor, tensors_, 0, stem_of(image)),
        stem_bias_(tensors_.weight(2), channels),
        stem_bias_gradient_(tensors_.gradient(2), channels),
        stem_output_(executor, batch, rows_of(image), columns_of(image), channels),
        stem_output_gradient_(executor, batch, rows_of(image), columns_of(image), channels),
        means_(executor, batch, features),
        means_gradient_(executor, batch, features),
        logits_(executor, batch, classes),
        logits_gradient_(executor, batch, classes) {
    int number = 3, rows = rows_of(image), columns = columns_of(image);
    for (const block_shape& s : blocks) {
      blocks_.emplace_back(executor, tensors_, number, s, batch, rows, columns);
      number += residual_block<Executor>::tensors(s);
      rows = after_stride(rows, s.stride), columns = after_stride(columns, s.stride);
    }
    weights_ = tilery::matrix(tensors_.weight(number), features, classes);
    weights_gradient_ = tilery::matrix(tensors_.gradient(number), features, classes);
    bias_ = tilery::vector(tensors_.weight(number + 1), classes);
    bias_gradient_ = tilery::vector(tensors_.gradient(number + 1), classes);
  }

  const parameters<Executor>& tensors() const { return tensors_; }
  /// The filters of the first convolution.
  filter_bank filters() const {
    const int values = 9 * static_cast<int>(image_.channels);
    return {tensors_.all().front().offset, channels, {3, 3, image_.channels}, values, 1};
  }

  /// The logits of a batch of images (image, values of an image).
  tilery::matrix_view<float> forward(tilery::matrix_view<const float> images) {
    using namespace tilery;
    const int n = images.extent(0);
    stem_.scale();
    for (auto& block : blocks_) block.scale();

    images_view x = first_images(stem_output_, n);
    stem_.forward(input(images), x, epilogue::bias(stem_bias_) | epilogue::relu());
    for (auto& block : blocks_) x = block.forward(x);
    const auto means = rows(means_.view(), 0, n), logits = rows(logits_.view(), 0, n);
    global_average_pool(executor_, x, means);
    gemm(executor_, means, weights_, logits, epilogue::bias(bias_));
    return logits;
  }

  /// Where the loss puts the gradient of the logits.
  tilery::matrix_view<float> logits_gradient(int batch) { return tilery::rows(logits_gradient_.view(), 0, batch); }

  /// The gradients of all weights, from that of the logits of the batch that `forward` had last.
  void backward(tilery::matrix_view<const float> images) {
    using namespace tilery;
    const int n = images.extent(0);
    const auto dlogits = logits_gradient(n), means = rows(means_.view(), 0, n);
    const auto dmeans = rows(means_gradient_.view(), 0, n);
    gemm(executor_, transposed(means), dlogits, weights_gradient_);
    column_sum(executor_, dlogits, bias_gradient_);
    gemm(executor_, dlogits, transposed(weights_), dmeans);

    const images_view y = blocks_.back().y(n), dy = blocks_.back().y_gradient(n);
    global_average_pool_gradient(executor_, dmeans, dy);
    activate_backward<activation::relu>(executor_, as_matrix(y), as_matrix(dy), as_matrix(dy));
    column_sum(executor_, as_matrix(dy), blocks_.back().second_bias_gradient());
    for (std::size_t i = blocks_.size(); i-- > 1;)
      blocks_[i].backward(blocks_[i - 1].y(n), blocks_[i - 1].y_gradient(n), blocks_[i - 1].second_bias_gradient());

    const images_view stem_output = first_images(stem_output_, n), dstem = first_images(stem_output_gradient_, n);
    blocks_.front().backward(stem_output, dstem, stem_bias_gradient_);
    stem_.weight_gradient(input(images), dstem);
  }

private:
  static constexpr int channels = 16;  // of the first convolution
  static constexpr std::array<block_shape, 3> blocks{{{16, 16, 1}, {16, 32, 2}, {32, 64, 2}}};
  static constexpr int features = blocks.back().outputs;  // of an image, for the linear layer

  static int rows_of(const image_shape& image) { return static_cast<int>(image.rows); }
  static int columns_of(const image_shape& image) { return static_cast<int>(image.columns); }
  static conv_shape stem_of(const image_shape& image) { return {static_cast<int>(image.channels), channels, 3, 1}; }

  static parameter_list list(const image_shape& image, int classes, std::uint64_t seed) {
    parameter_list all(seed);
    const auto extent = [](int n) { return static_cast<std::uint64_t>(n); };
    conv_layer<Executor>::list(all, "stem", stem_of(image));
    all.add("stem.bias", {channels});
    int block = 0;
    for (const block_shape& s : blocks) residual_block<Executor>::list(all, "blocks." + std::to_string(block++), s);
    all.add("linear.weight", {extent(features), extent(classes)});
    all.add("linear.bias", {extent(classes)});
    return all;
  }

  /// A batch as images.
  read_images input(const tilery::matrix_view<const float>& images) const {
    return tilery::tensor(images.pointer, {images.extent(0), rows_of(image_), columns_of(image_), image_.channels});
  }

  Executor executor_;
  image_shape image_;
  parameters<Executor> tensors_;
  conv_layer<Executor> stem_;
  tilery::vector_view<float> stem_bias_, stem_bias_gradient_;
  tilery::buffer<float, 4> stem_output_, stem_output_gradient_;
  std::vector<residual_block<Executor>> blocks_;
  tilery::matrix_view<float> weights_, weights_gradient_;  // (channel, class)
  tilery::vector_view<float> bias_, bias_gradient_;        // (class)
  tilery::buffer<float, 2> means_, means_gradient_, logits_, logits_gradient_;
};

}  // namespace tilery_examples
