// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Images of one size with the class of each: the part of a data set to train with, or the part to test with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "picture.hpp"

namespace tilery_examples {

/// Images and the class of each.
struct labelled_images {
  std::string name;  ///< "train" or "test"
  std::uint32_t count, rows, columns;
  std::uint32_t channels;  ///< 1: grey; 3: red, green, blue
  std::uint32_t classes;
  std::vector<std::uint8_t> pixels;  ///< (count, rows, columns, channels), 0 is the background
  std::vector<std::uint8_t> labels;  ///< (count), each below `classes`

  image_shape shape() const { return {rows, columns, channels}; }
};

}  // namespace tilery_examples
