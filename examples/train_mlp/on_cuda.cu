// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training on a GPU.
#include "../training/on_cuda.hpp"

#include "../networks/mlp.hpp"
#include "trainers.hpp"

namespace tilery_examples {

std::optional<trainer> mlp_on_cuda() { return trainer_on_cuda<mlp>(); }

}  // namespace tilery_examples
