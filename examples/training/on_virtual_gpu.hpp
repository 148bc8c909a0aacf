// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A network's training loop on the virtual GPU.
#pragma once

#include <tilery/virtual_gpu.hpp>

#include "program.hpp"
#include "training.hpp"

namespace tilery_examples {

template <template <class> class Network>
trainer trainer_on_virtual_gpu() {
  return {"the virtual GPU (sm_90)", [](const dataset& data, const train_options& o, const checkpoint* resumed) {
            return train<Network>(tilery::virtual_gpu(tilery::arch::sm_90), data, o, resumed);
          }};
}

}  // namespace tilery_examples
