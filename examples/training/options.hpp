// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The command line of the trainers. Standard types only: options.cpp is compiled apart from the kernels.
//
// To add an option, write its member here, and its name, help and reading in options.cpp. An option that decides the
// result of a training is a member of training_plan (plan.hpp) and is stored by checkpoint.cpp, so that a training can
// go on.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "plan.hpp"

namespace tilery_examples {

struct train_options {
  training_plan plan;
  std::string flip = "no";                    ///< yes, no, or auto: yes where the data set is known to allow it
  std::optional<std::filesystem::path> data;  ///< none: the first known data set that is there
  std::filesystem::path output = ".";
  std::string executor = "auto";  ///< auto, cuda, cpu or virtual
  int threads = 0;                ///< 0: all
  bool resume = false;            ///< go on with the training whose checkpoint is in `output`
  bool dry_run = false;
};

/// Reads the command line of a trainer whose --help begins with `about`; what it does not say is as in `defaults`.
/// Where the program should end (--help, a bad option), returns nothing and sets `status`.
std::optional<train_options> read_options(int count, char** arguments, const std::string& about,
                                          const train_options& defaults, int& status);

}  // namespace tilery_examples
