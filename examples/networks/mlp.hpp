// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A multilayer perceptron: linear layers with relu between them. Forward and backward are written out, one op a line.
#pragma once

#include <tilery/activation.hpp>
#include <tilery/column_sum.hpp>
#include <tilery/core/buffer.hpp>
#include <tilery/gemm.hpp>

#include <vector>

#include "../io/picture.hpp"
#include "../training/parameters.hpp"
#include "filter_bank.hpp"

namespace tilery_examples {

/// One layer's parts of the tensors of weights and gradients.
struct linear_layer {
  tilery::matrix_view<float> weights, weights_gradient;  // (inputs, outputs)
  tilery::vector_view<float> bias, bias_gradient;        // (outputs)
};

template <class Executor>
class mlp {
public:
  static constexpr const char* name = "mlp";

  /// The outputs of the layers: hidden ones, then the classes.
  static std::vector<int> widths(int classes) { return {256, 128, classes}; }
  /// The network in words, for the trainer.
  static std::string describe(const image_shape& image, int classes) {
    std::string text = std::to_string(image.values());
    for (const int width : widths(classes)) text += "-" + std::to_string(width);
    return text + " perceptron";
  }

  /// For batches of at most `batch` images. Weights are drawn with `seed`, biases are 0.
  mlp(const Executor& executor, const image_shape& image, int classes, int batch, std::uint64_t seed)
      : executor_(executor), image_(image), tensors_(executor, list(image, classes, seed)) {
    int inputs = static_cast<int>(image.values()), number = 0;
    for (const int outputs : widths(classes)) {
      layers_.push_back({{tensors_.weight(number), inputs, outputs},
                         {tensors_.gradient(number), inputs, outputs},
                         {tensors_.weight(number + 1), outputs},
                         {tensors_.gradient(number + 1), outputs}});
      outputs_.emplace_back(executor, batch, outputs);
      output_gradients_.emplace_back(executor, batch, outputs);
      inputs = outputs, number += 2;
    }
  }

  const parameters<Executor>& tensors() const { return tensors_; }
  /// The filters of the first layer: one for each of its outputs, as large as an image.
  filter_bank filters() const {
    const linear_layer& first = layers_.front();
    return {0, first.bias.extent(0), image_, 1, first.bias.extent(0)};
  }

  /// The logits of a batch x (rows, inputs).
  tilery::matrix_view<float> forward(tilery::matrix_view<const float> x) {
    using namespace tilery;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const linear_layer& l = layers_[i];
      const auto y = rows(outputs_[i].view(), 0, x.extent(0));
      if (i + 1 < layers_.size())
        gemm(executor_, x, l.weights, y, epilogue::bias(l.bias) | epilogue::relu());
      else
        gemm(executor_, x, l.weights, y, epilogue::bias(l.bias));
      x = y;
    }
    return rows(outputs_.back().view(), 0, x.extent(0));
  }

  /// Where the loss puts the gradient of the logits.
  tilery::matrix_view<float> logits_gradient(int batch) {
    return tilery::rows(output_gradients_.back().view(), 0, batch);
  }

  /// The gradients of all weights, from that of the logits of batch x.
  void backward(tilery::matrix_view<const float> x) {
    using namespace tilery;
    for (std::size_t i = layers_.size(); i-- > 0;) {
      const linear_layer& l = layers_[i];
      const matrix_view<const float> input =
          i == 0 ? x : matrix_view<const float>(rows(outputs_[i - 1].view(), 0, x.extent(0)));
      const auto dy = rows(output_gradients_[i].view(), 0, x.extent(0));
      gemm(executor_, transposed(input), dy, l.weights_gradient);  // dW = x^T dy
      column_sum(executor_, dy, l.bias_gradient);
      if (i == 0) break;
      const auto dx = rows(output_gradients_[i - 1].view(), 0, x.extent(0));
      gemm(executor_, dy, transposed(l.weights), dx);  // dx = dy W^T
      activate_backward<activation::relu>(executor_, input, dx, dx);
    }
  }

private:
  static parameter_list list(const image_shape& image, int classes, std::uint64_t seed) {
    parameter_list result(seed);
    int inputs = static_cast<int>(image.values()), layer = 0;
    for (const int outputs : widths(classes)) {
      const std::string begin = "layers." + std::to_string(layer++);
      const auto in = static_cast<std::uint64_t>(inputs), out = static_cast<std::uint64_t>(outputs);
      result.add_drawn(begin + ".weight", {in, out}, inputs);
      result.add(begin + ".bias", {out});
      inputs = outputs;
    }
    return result;
  }

  Executor executor_;
  image_shape image_;
  parameters<Executor> tensors_;
  std::vector<linear_layer> layers_;
  std::vector<tilery::buffer<float, 2>> outputs_, output_gradients_;  // (batch, outputs of the layer)
};

}  // namespace tilery_examples
