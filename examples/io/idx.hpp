// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// IDX is the format of MNIST and its relatives: a magic number that gives the element type and the
// number of dimensions, the dimensions as big-endian 32-bit numbers, then the values in row-major order.
// The header is not trusted: memory grows with what was really read, never with what is promised.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <tilery/core/where.hpp>

#include "gzip_reader.hpp"

namespace tilery_examples {

/// An array of unsigned bytes: `values` holds the product of `shape` elements in row-major order.
struct idx_array {
  std::vector<std::uint32_t> shape;
  std::vector<std::uint8_t> values;
};

/// The most values that `read_idx` accepts: 6 GiB, 136 times the training images of MNIST.
inline constexpr std::uint64_t idx_values_limit = std::uint64_t{6} << 30;

/// Reads the magic number and returns how many dimensions it announces.
inline int read_idx_magic(gzip_reader& file) {
  std::array<std::uint8_t, 4> magic{};  // two zeros, the type code, the number of dimensions
  if (const std::size_t got = file.read(magic.data(), magic.size()); got != magic.size())
    file.refuse("has " + std::to_string(got) + " bytes, but must have 4 for its magic number.");
  if (magic[0] != 0 || magic[1] != 0)
    file.refuse("begins with the bytes " + std::to_string(magic[0]) + " and " + std::to_string(magic[1]) +
                ", but the magic number of an IDX file must begin with two zeros.");
  if (magic[2] != 0x08)
    file.refuse("has the type code " + std::to_string(magic[2]) + ", but must have 8, which means unsigned bytes.");
  if (magic[3] == 0) file.refuse("has no dimensions, but must have at least one.");
  return magic[3];
}

/// Reads the big-endian dimensions that follow the magic number.
inline std::vector<std::uint32_t> read_idx_shape(gzip_reader& file, int dimensions) {
  std::vector<std::uint32_t> shape;
  for (int dimension = 0; dimension < dimensions; ++dimension) {
    std::array<std::uint8_t, 4> bytes{};
    if (file.read(bytes.data(), bytes.size()) != bytes.size())
      file.refuse("ends after " + std::to_string(dimension) + " dimensions, but must have the " +
                  std::to_string(dimensions) + " that its magic number announces.");
    std::uint32_t extent = 0;
    for (const std::uint8_t byte : bytes) extent = extent << 8 | byte;
    shape.push_back(extent);
  }
  return shape;
}

/// The product of `shape`, which must not exceed `idx_values_limit`.
inline std::uint64_t idx_value_count(const gzip_reader& file, const std::vector<std::uint32_t>& shape) {
  if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) return 0;
  std::uint64_t count = 1;
  for (const std::uint32_t extent : shape) {
    count *= extent;  // cannot overflow: at most 6 * 2^30 times less than 2^32
    if (count > idx_values_limit)
      file.refuse("has dimensions that promise at least " + std::to_string(count) + " values, but must hold at most " +
                  std::to_string(idx_values_limit) + ".");
  }
  return count;
}

/// Reads exactly `count` values, in steps no longer than what has arrived before: a false header costs no memory.
inline std::vector<std::uint8_t> read_idx_values(gzip_reader& file, std::uint64_t count) {
  constexpr std::uint64_t first_step = std::uint64_t{1} << 20, longest_step = std::uint64_t{1} << 28;
  std::vector<std::uint8_t> values;
  while (values.size() < count) {
    const std::uint64_t have = values.size();
    const std::uint64_t step = std::min(count - have, std::clamp(have, first_step, longest_step));
    values.reserve(have + step);  // exactly; resize alone may double
    values.resize(have + step);
    if (const std::size_t got = file.read(values.data() + have, step); got != step)
      file.refuse("has " + std::to_string(have + got) + " values, but must have the " + std::to_string(count) +
                  " that its dimensions promise.");
  }
  return values;
}

/// Reads the IDX file at `path`, gzipped or not, whose elements must be unsigned bytes.
/// Throws `tilery::error` when the file is unreadable, damaged, cut off, longer than its dimensions say, of another
/// element type, or promises more than `idx_values_limit` values.
inline idx_array read_idx(const std::filesystem::path& path, tilery::where at = {}) {
  gzip_reader file(path, "IDX file", at);
  idx_array array;
  array.shape = read_idx_shape(file, read_idx_magic(file));
  const std::uint64_t count = idx_value_count(file, array.shape);
  array.values = read_idx_values(file, count);
  if (std::uint8_t beyond = 0; file.read(&beyond, 1) != 0)
    file.refuse("has bytes after the " + std::to_string(count) +
                " values that its dimensions promise, but must end there.");
  return array;
}

}  // namespace tilery_examples
