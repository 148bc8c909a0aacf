// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training on the CPU.
#include "../training/on_cpu.hpp"

#include "../networks/residual_network.hpp"
#include "trainers.hpp"

namespace tilery_examples {

trainer cnn_on_cpu(int threads) { return trainer_on_cpu<residual_network>(threads); }

std::string describe_cnn(const image_shape& image, int classes) {
  return residual_network<tilery::cpu>::describe(image, classes);
}

}  // namespace tilery_examples
