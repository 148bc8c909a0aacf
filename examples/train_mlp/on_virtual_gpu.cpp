// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training on the virtual GPU: the GPU's kernels, each access checked.
#ifdef TILERY_WITH_VIRTUAL_GPU
#include <tilery/virtual_gpu.hpp>

#include "training.hpp"
#endif

#include "trainers.hpp"

namespace tilery_examples {

std::optional<trainer> trainer_on_virtual_gpu() {
#ifdef TILERY_WITH_VIRTUAL_GPU
  return trainer{"the virtual GPU (sm_90)", [](const dataset& data, const train_options& o) {
                   return train(tilery::virtual_gpu(tilery::arch::sm_90), data, o);
                 }};
#else
  return std::nullopt;
#endif
}

}  // namespace tilery_examples
