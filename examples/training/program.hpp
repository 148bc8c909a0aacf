// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the trainers have in common: the command line, the machine to train on, what is said before and after. A trainer
// brings a network and its training loop for each kind of machine, in units of their own: they are compiled at the same
// time, and only the GPU's by nvcc.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "../io/dataset.hpp"
#include "../report/confusion_matrix.hpp"
#include "checkpoint.hpp"
#include "options.hpp"

namespace tilery_examples {

struct trainer {
  std::string where;  ///< the machine, in words
  std::function<confusion_matrix(const dataset&, const train_options&, const checkpoint* resumed)> train;
};

/// One trainer: what distinguishes it from the others.
struct training_program {
  std::string name;                                                ///< of the program
  std::string about;                                               ///< the first lines of --help
  std::string network;                                             ///< the network's name in checkpoints
  train_options defaults;                                          ///< of the command line
  std::string (*describe)(const image_shape& image, int classes);  ///< the network in words
  std::optional<trainer> (*on_cuda)();         ///< nothing where there is no CUDA device, or no nvcc when it was built
  trainer (*on_cpu)(int threads);              ///< 0: all
  std::optional<trainer> (*on_virtual_gpu)();  ///< nothing where it was built without Boost.Context
};

/// The main function of a trainer: trains as the command line says, and returns the program's status. The last line
/// that it prints is the test accuracy.
int run_training_program(const training_program& program, int count, char** arguments);

}  // namespace tilery_examples
