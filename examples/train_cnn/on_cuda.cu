// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training on a GPU.
#include "../training/on_cuda.hpp"

#include "../networks/residual_network.hpp"
#include "trainers.hpp"

namespace tilery_examples {

std::optional<trainer> cnn_on_cuda() { return trainer_on_cuda<residual_network>(); }

}  // namespace tilery_examples
