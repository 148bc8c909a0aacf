// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The perceptron's training loop for each kind of machine.
#pragma once

#include "../training/program.hpp"

namespace tilery_examples {

std::optional<trainer> mlp_on_cuda();
trainer mlp_on_cpu(int threads);
std::optional<trainer> mlp_on_virtual_gpu();

/// The network in words.
std::string describe_mlp(const image_shape& image, int classes);

}  // namespace tilery_examples
