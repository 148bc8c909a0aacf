// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training on the CPU.
#include "../training/on_cpu.hpp"

#include "../networks/mlp.hpp"
#include "trainers.hpp"

namespace tilery_examples {

trainer mlp_on_cpu(int threads) { return trainer_on_cpu<mlp>(threads); }

std::string describe_mlp(const image_shape& image, int classes) { return mlp<tilery::cpu>::describe(image, classes); }

}  // namespace tilery_examples
