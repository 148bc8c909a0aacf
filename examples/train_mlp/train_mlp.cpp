// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Trains a multilayer perceptron on images, on whatever machine there is. The network is in networks/mlp.hpp, the loop
// in training/training.hpp, the options in training/options.hpp.
#include "trainers.hpp"

int main(int count, char** arguments) {
  using namespace tilery_examples;
  return run_training_program(
      {.name = "train_mlp",
       .about = "Trains a multilayer perceptron (784-256-128-10 on Fashion-MNIST) with AdamW, and shows how it goes.",
       .network = "mlp",
       .defaults = {},
       .describe = &describe_mlp,
       .on_cuda = &mlp_on_cuda,
       .on_cpu = &mlp_on_cpu,
       .on_virtual_gpu = &mlp_on_virtual_gpu},
      count, arguments);
}
