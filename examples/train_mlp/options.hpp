// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the command line of train_mlp says. Standard types only: options.cpp is compiled apart from the kernels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace tilery_examples {

struct train_options {
  std::uint64_t seed = 1;
  int epochs = 12;
  int batch = 128;
  int steps = 0;  ///< end after so many steps; 0: train all epochs
  double rate = 1.5e-3;
  std::optional<std::filesystem::path> data;
  std::filesystem::path output = ".";
  std::string executor = "auto";  ///< auto, cuda, cpu or virtual
  int threads = 0;                ///< 0: all
  bool dry_run = false;
};

/// Reads the command line. Where the program should end (--help, a bad option), returns nothing and sets `status`.
std::optional<train_options> read_options(int count, char** arguments, int& status);

}  // namespace tilery_examples
