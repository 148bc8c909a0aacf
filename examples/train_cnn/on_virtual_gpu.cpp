// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training on the virtual GPU: the GPU's kernels, each access checked.
#ifdef TILERY_WITH_VIRTUAL_GPU
#include "../training/on_virtual_gpu.hpp"

#include "../networks/residual_network.hpp"
#endif

#include "trainers.hpp"

namespace tilery_examples {

std::optional<trainer> cnn_on_virtual_gpu() {
#ifdef TILERY_WITH_VIRTUAL_GPU
  return trainer_on_virtual_gpu<residual_network>();
#else
  return std::nullopt;
#endif
}

}  // namespace tilery_examples
