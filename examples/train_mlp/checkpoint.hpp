// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The weights of a trained network as a safetensors file. Standard types only: checkpoint.cpp is compiled apart from
// the kernels.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace tilery_examples {

/// A float tensor with its name.
struct named_weights {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::span<const float> values;
};

/// Writes the file whole or not at all; throws a std::runtime_error with a sentence.
void save_checkpoint(const std::filesystem::path& path, std::span<const named_weights> weights,
                     const std::map<std::string, std::string>& notes);

}  // namespace tilery_examples
