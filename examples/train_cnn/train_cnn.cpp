// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Trains a small residual network on images, on whatever machine there is. The network is in
// networks/residual_network.hpp, the loop in training/training.hpp, the options in training/options.hpp.
#include "trainers.hpp"

int main(int count, char** arguments) {
  using namespace tilery_examples;
  train_options defaults;
  defaults.plan.epochs = 6;
  defaults.plan.rate = 8e-3;
  defaults.plan.decay = 0.02;
  defaults.plan.crop = 1;
  defaults.flip = "auto";
  return run_training_program(
      {.name = "train_cnn",
       .about = "Trains a residual network of 16, 32 and 64 channels with AdamW, and shows how it goes.",
       .network = "residual",
       .defaults = defaults,
       .describe = &describe_cnn,
       .on_cuda = &cnn_on_cuda,
       .on_cpu = &cnn_on_cpu,
       .on_virtual_gpu = &cnn_on_virtual_gpu},
      count, arguments);
}
