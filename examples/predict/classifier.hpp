// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A trained network that classifies images on the CPU. Which network a checkpoint holds is known from the file alone.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "../report/confusion_matrix.hpp"
#include "../training/checkpoint.hpp"

namespace tilery_examples {

struct classifier {
  checkpoint trained;
  /// The probability of each class, for an image of the network's size.
  std::function<std::vector<double>(const picture&)> classify;
  /// What the network takes images of its size and classes for.
  std::function<confusion_matrix(const labelled_images&)> test;
};

/// Reads the checkpoint of any trainer, on so many threads (0: all). Throws `tilery::error` as `load_checkpoint` does,
/// for a network that this program does not know, and where its tensors are not those of that network.
classifier load_classifier(const std::filesystem::path& path, int threads, tilery::where at = {});

}  // namespace tilery_examples
