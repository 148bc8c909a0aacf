// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The residual network's training loop for each kind of machine.
#pragma once

#include "../training/program.hpp"

namespace tilery_examples {

std::optional<trainer> cnn_on_cuda();
trainer cnn_on_cpu(int threads);
std::optional<trainer> cnn_on_virtual_gpu();

/// The network in words.
std::string describe_cnn(const image_shape& image, int classes);

}  // namespace tilery_examples
