// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The files that a training leaves in its output folder.
#pragma once

#include <filesystem>

namespace tilery_examples {

struct output_files {
  std::filesystem::path folder;
  std::filesystem::path model() const { return folder / "model.safetensors"; }
  std::filesystem::path table() const { return folder / "curve.csv"; }
  std::filesystem::path curve() const { return folder / "curve.svg"; }
  std::filesystem::path confusion() const { return folder / "confusion.svg"; }
  std::filesystem::path filters() const { return folder / "filters.png"; }
};

}  // namespace tilery_examples
