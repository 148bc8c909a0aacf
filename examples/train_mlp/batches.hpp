// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Batches of images in an executor's memory: pixels scaled to mean 0 and variance 1, the order drawn anew each epoch.
#pragma once

#include <tilery/core/buffer.hpp>

#include "../io/dataset.hpp"

#include <cmath>
#include <numeric>
#include <random>
#include <span>
#include <vector>

namespace tilery_examples {

/// Mean and deviation of the pixels of the training images, by which every image is scaled.
struct pixel_scale {
  float mean, deviation;

  static pixel_scale of(const labelled_images& images) {
    double sum = 0, squares = 0;
    for (const std::uint8_t p : images.pixels) sum += p, squares += static_cast<double>(p) * p;
    const double n = static_cast<double>(images.pixels.size()), mean = sum / n;
    return {static_cast<float>(mean), static_cast<float>(std::sqrt(std::max(squares / n - mean * mean, 1e-6)))};
  }
};

/// A batch where an executor can reach it.
struct batch_view {
  tilery::matrix_view<const float> images;         // (rows, pixels)
  tilery::vector_view<const std::int32_t> labels;  // (rows)
  int rows;
};

template <class Executor>
class batches {
public:
  batches(const Executor& executor, const labelled_images& images, pixel_scale scale, int batch)
      : executor_(executor),
        images_(images),
        batch_(std::min<int>(batch, static_cast<int>(images.count))),
        pixels_(static_cast<int>(images.rows * images.columns)),
        order_(images.count),
        host_images_(static_cast<std::size_t>(batch_) * pixels_),
        host_labels_(batch_),
        device_images_(executor, batch_, pixels_),
        device_labels_(executor, batch_) {
    std::iota(order_.begin(), order_.end(), 0u);
    for (int p = 0; p < 256; ++p) scaled_[p] = (static_cast<float>(p) - scale.mean) / scale.deviation;
  }

  int count() const { return static_cast<int>((images_.count + batch_ - 1) / batch_); }
  int pixels() const { return pixels_; }

  void shuffle(std::mt19937_64& generator) {
    for (std::size_t i = order_.size() - 1; i > 0; --i)
      std::swap(order_[i], order_[generator() % (i + 1)]);  // Fisher and Yates
  }

  /// Batch i, the last one may be shorter. Valid until the next call.
  batch_view operator[](int i) {
    const int first = i * batch_, rows = std::min<int>(batch_, static_cast<int>(images_.count) - first);
    for (int r = 0; r < rows; ++r) {
      const std::uint32_t image = order_[static_cast<std::size_t>(first + r)];
      const std::uint8_t* from = images_.pixels.data() + static_cast<std::size_t>(image) * pixels_;
      float* to = host_images_.data() + static_cast<std::size_t>(r) * pixels_;
      for (int p = 0; p < pixels_; ++p) to[p] = scaled_[from[p]];
      host_labels_[r] = images_.labels[image];
    }
    executor_.wait();  // the last step may still read the host's batch
    const auto images = tilery::rows(device_images_.view(), 0, rows);
    const tilery::vector_view<std::int32_t> labels(device_labels_.data_handle(), rows);
    tilery::copy_dense(executor_, tilery::matrix(host_images_.data(), rows, pixels_), images);
    tilery::copy_dense(executor_, tilery::vector(host_labels_.data(), rows), labels);
    return {images, labels, rows};
  }

  /// The labels of the last batch, on the host.
  std::span<const std::int32_t> host_labels() const { return host_labels_; }

private:
  Executor executor_;
  const labelled_images& images_;
  int batch_, pixels_;
  std::vector<std::uint32_t> order_;
  float scaled_[256];
  std::vector<float> host_images_;
  std::vector<std::int32_t> host_labels_;
  tilery::buffer<float, 2> device_images_;
  tilery::buffer<std::int32_t> device_labels_;
};

}  // namespace tilery_examples
