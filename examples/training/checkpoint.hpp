// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A checkpoint: a network's weights with all that is needed to use them and to go on training, as one safetensors file.
// Standard types only: checkpoint.cpp is compiled apart from the kernels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <tilery/core/where.hpp>

#include "../io/labelled_images.hpp"
#include "pixel_scale.hpp"
#include "plan.hpp"

namespace tilery_examples {

/// A float tensor with its name.
struct named_tensor {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::vector<float> values;
};

struct checkpoint {
  std::string network;  ///< its name: the program that reads the file builds it, and knows its tensors
  image_shape image;    ///< that it takes
  pixel_scale scale;    ///< of its input
  std::vector<std::string> class_names;
  std::string trained_on;         ///< the data set
  std::uint32_t images_checksum;  ///< CRC-32 of the training images and labels
  training_plan plan;
  int step;  ///< steps made so far
  std::vector<named_tensor> tensors;

  /// The tensor of this name and shape. Throws `tilery::error` when there is none; `path` names the file.
  const named_tensor& tensor(const std::string& name, const std::vector<std::uint64_t>& shape,
                             const std::filesystem::path& path, tilery::where at = {}) const;
};

/// The checksum of a checkpoint's training images.
std::uint32_t checksum(const labelled_images& images);

/// Writes the file whole or not at all; the same checkpoint gives the same bytes. Throws `tilery::error` with a
/// sentence.
void save_checkpoint(const std::filesystem::path& path, const checkpoint& content, tilery::where at = {});

/// Reads a file that `save_checkpoint` wrote. Throws `tilery::error` when it is unreadable, no safetensors file, or
/// lacks what a checkpoint must have.
checkpoint load_checkpoint(const std::filesystem::path& path, tilery::where at = {});

}  // namespace tilery_examples
