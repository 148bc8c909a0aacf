// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A multilayer perceptron: linear layers with relu between them. Forward and backward are written out, one op a line.
// All weights lie in one tensor, and so do all gradients: the optimizer is one launch.
#pragma once

#include <tilery/activation.hpp>
#include <tilery/column_sum.hpp>
#include <tilery/core/buffer.hpp>
#include <tilery/gemm.hpp>

#include <cmath>
#include <random>
#include <vector>

namespace tilery_examples {

using tilery::buffer;
using tilery::matrix_view;
using tilery::vector_view;

/// One layer's parts of the tensors of weights and gradients.
struct linear_layer {
  int inputs, outputs;
  matrix_view<float> weights, weights_gradient;  // (inputs, outputs)
  vector_view<float> bias, bias_gradient;        // (outputs)
};

template <class Executor>
class mlp {
public:
  /// widths: inputs, hidden layers, classes. Weights are drawn from He's uniform distribution, biases are 0.
  mlp(const Executor& executor, const std::vector<int>& widths, int batch, std::uint64_t seed)
      : executor_(executor), weights_(executor, size_of(widths)), gradient_(executor, size_of(widths)) {
    std::int64_t offset = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
      const int in = widths[i], out = widths[i + 1];
      float *w = weights_.data_handle() + offset, *g = gradient_.data_handle() + offset;
      layers_.push_back(
          {in, out, {w, in, out}, {g, in, out}, {w + padded(in * out), out}, {g + padded(in * out), out}});
      outputs_.emplace_back(executor, batch, out);
      output_gradients_.emplace_back(executor, batch, out);
      offset += padded(in * out) + padded(out);
    }
    draw_weights(seed);
  }

  const buffer<float>& weights() const { return weights_; }
  const buffer<float>& gradient() const { return gradient_; }
  const std::vector<linear_layer>& layers() const { return layers_; }

  /// The logits of a batch x (rows, inputs).
  matrix_view<float> forward(matrix_view<const float> x) {
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
  matrix_view<float> logits_gradient(int batch) { return tilery::rows(output_gradients_.back().view(), 0, batch); }

  /// The gradients of all weights, from that of the logits of batch x.
  void backward(matrix_view<const float> x) {
    using namespace tilery;
    for (int i = static_cast<int>(layers_.size()) - 1; i >= 0; --i) {
      const linear_layer& l = layers_[static_cast<std::size_t>(i)];
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
  /// Each tensor begins at a multiple of 64 bytes.
  static std::int64_t padded(std::int64_t n) { return (n + 15) / 16 * 16; }
  static std::int64_t size_of(const std::vector<int>& widths) {
    std::int64_t n = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i)
      n += padded(std::int64_t{widths[i]} * widths[i + 1]) + padded(widths[i + 1]);
    return n;
  }

  void draw_weights(std::uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::vector<float> host(static_cast<std::size_t>(weights_.size()), 0.0f);
    for (const linear_layer& l : layers_) {
      const double limit = std::sqrt(6.0 / l.inputs);
      float* w = host.data() + (l.weights.pointer - weights_.data_handle());
      // 53 bits of the generator: the standard's distributions differ from library to library
      for (std::int64_t i = 0; i < l.weights.size(); ++i)
        w[i] = static_cast<float>((static_cast<double>(generator() >> 11) * 0x1p-53 * 2 - 1) * limit);
    }
    tilery::copy_dense(executor_, tilery::vector(host.data(), static_cast<int>(host.size())), weights_);
    tilery::fill_zero(executor_, gradient_);
    executor_.wait();
  }

  Executor executor_;
  buffer<float> weights_, gradient_;
  std::vector<linear_layer> layers_;
  std::vector<buffer<float, 2>> outputs_, output_gradients_;  // (batch, width of the layer)
};

}  // namespace tilery_examples
