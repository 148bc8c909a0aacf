// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training on the virtual GPU: the GPU's kernels, each access checked.
#ifdef TILERY_WITH_VIRTUAL_GPU
#include "../training/on_virtual_gpu.hpp"

#include "../networks/mlp.hpp"
#endif

#include "trainers.hpp"

namespace tilery_examples {

std::optional<trainer> mlp_on_virtual_gpu() {
#ifdef TILERY_WITH_VIRTUAL_GPU
  return trainer_on_virtual_gpu<mlp>();
#else
  return std::nullopt;
#endif
}

}  // namespace tilery_examples
