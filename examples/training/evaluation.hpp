// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a network takes images for, and how often that is right.
#pragma once

#include <tilery/core/buffer.hpp>

#include <algorithm>
#include <span>
#include <vector>

#include "../report/confusion_matrix.hpp"
#include "batches.hpp"

namespace tilery_examples {

/// The logits of a batch on the host, (rows, classes); waits for the executor.
template <class Executor, class Network>
std::vector<float> logits_of(const Executor& executor, Network& network, const batch_view& batch) {
  const auto on_executor = network.forward(batch.images);
  std::vector<float> logits(static_cast<std::size_t>(on_executor.size()));
  tilery::copy_dense(executor, on_executor, tilery::matrix(logits.data(), batch.rows, on_executor.extent(1)));
  executor.wait();
  return logits;
}

/// Each image's class against the class of its largest logit, the first of equal ones.
template <class Executor, class Network>
confusion_matrix test(const Executor& executor, Network& network, batches<Executor>& images,
                      const std::vector<std::string>& class_names) {
  confusion_matrix found(class_names);
  for (int i = 0; i < images.count(); ++i) {
    const batch_view batch = images[i];
    const std::vector<float> logits = logits_of(executor, network, batch);
    for (int r = 0; r < batch.rows; ++r) {
      const std::span<const float> row(logits.data() + r * found.classes(), found.classes());
      found.add(static_cast<std::size_t>(images.host_labels()[r]),
                static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin()));
    }
  }
  return found;
}

}  // namespace tilery_examples
