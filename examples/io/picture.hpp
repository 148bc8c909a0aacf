// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A picture in memory: grey or colour, 8 bits a channel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tilery_examples {

/// The size of a picture, and of all pictures of a data set.
struct image_shape {
  std::uint32_t rows, columns;
  std::uint32_t channels;  ///< 1: grey; 3: red, green, blue

  std::size_t values() const { return std::size_t{rows} * columns * channels; }
  friend bool operator==(const image_shape&, const image_shape&) = default;
};

/// A size for sentences: "28 x 28 pixels, grey".
inline std::string shape_of_image(const image_shape& s) {
  return std::to_string(s.rows) + " x " + std::to_string(s.columns) + " pixels, " +
         (s.channels == 1 ? "grey" : "in colour");
}

/// A picture of `rows` x `columns` pixels; values are (row, column, channel), 0 is black.
struct picture {
  std::uint32_t rows, columns, channels;
  std::vector<std::uint8_t> values;

  image_shape shape() const { return {rows, columns, channels}; }
};

}  // namespace tilery_examples
