// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A network's training loop on a GPU.
#pragma once

#include <tilery/cuda.hpp>

#include "program.hpp"
#include "training.hpp"

namespace tilery_examples {

/// Nothing where there is no CUDA device, or where this program was built without nvcc.
template <template <class> class Network>
std::optional<trainer> trainer_on_cuda() {
  std::optional<trainer> result;
  tilery::with_cuda([&](const auto& gpu) {
    result = trainer{"cuda", [gpu](const dataset& data, const train_options& o, const checkpoint* resumed) {
                       return train<Network>(gpu, data, o, resumed);
                     }};
  });
  return result;
}

}  // namespace tilery_examples
