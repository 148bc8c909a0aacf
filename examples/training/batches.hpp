// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Batches of images in an executor's memory.
#pragma once

#include <tilery/core/buffer.hpp>

#include "image_loader.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace tilery_examples {

/// A batch where an executor can reach it.
struct batch_view {
  tilery::matrix_view<const float> images;         // (rows, values of an image)
  tilery::vector_view<const std::int32_t> labels;  // (rows)
  int rows;
};

template <class Executor>
class batches {
public:
  batches(const Executor& executor, const labelled_images& images, pixel_scale scale, int batch,
          image_changes changes = {}, std::uint64_t seed = 0)
      : executor_(executor),
        loader_(images, scale, changes, seed),
        batch_(std::min<int>(batch, static_cast<int>(images.count))),
        values_(static_cast<int>(images.shape().values())),
        host_{host_batch(batch_, values_), host_batch(batch_, values_)},
        device_images_(executor, batch_, values_),
        device_labels_(executor, batch_) {}

  int count() const { return static_cast<int>((loader_.count() + batch_ - 1) / batch_); }

  void begin_epoch(int epoch) { loader_.begin_epoch(epoch); }

  /// Batch i, the last one may be shorter. Valid until the next call.
  batch_view operator[](int i) {
    const int first = i * batch_, rows = std::min<int>(batch_, static_cast<int>(loader_.count()) - first);
    std::swap(host_[0], host_[1]);  // the copy of the batch before may still read the other one
    auto& [host_images, host_labels] = host_[0];
    for (int r = 0; r < rows; ++r)
      host_labels[static_cast<std::size_t>(r)] =
          loader_.load(static_cast<std::size_t>(first + r), host_images.data() + static_cast<std::size_t>(r) * values_);
    executor_.wait();  // the last step may still read the device's batch
    const auto images = tilery::rows(device_images_.view(), 0, rows);
    const tilery::vector_view<std::int32_t> labels(device_labels_.data_handle(), rows);
    tilery::copy_dense(executor_, tilery::matrix(host_images.data(), rows, values_), images);
    tilery::copy_dense(executor_, tilery::vector(host_labels.data(), rows), labels);
    return {images, labels, rows};
  }

  /// The labels of the last batch, on the host.
  std::span<const std::int32_t> host_labels() const { return host_[0].labels; }

private:
  struct host_batch {
    std::vector<float> images;
    std::vector<std::int32_t> labels;
    host_batch(int rows, int values)
        : images(static_cast<std::size_t>(rows) * values), labels(static_cast<std::size_t>(rows)) {}
  };

  Executor executor_;
  image_loader loader_;
  int batch_, values_;
  host_batch host_[2];
  tilery::buffer<float, 2> device_images_;
  tilery::buffer<std::int32_t> device_labels_;
};

}  // namespace tilery_examples
