// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training on a GPU.
#include <tilery/cuda.hpp>

#include "trainers.hpp"
#include "training.hpp"

namespace tilery_examples {

std::optional<trainer> trainer_on_cuda() {
  std::optional<trainer> result;
  tilery::with_cuda([&](const auto& gpu) {
    result = trainer{"cuda", [gpu](const dataset& data, const train_options& o) { return train(gpu, data, o); }};
  });
  return result;
}

}  // namespace tilery_examples
