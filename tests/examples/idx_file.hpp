// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds IDX files for tests, right ones and wrong ones.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <zlib.h>

namespace tilery_examples {

/// The bytes of an IDX file of unsigned bytes with these dimensions and values, which need not agree.
inline std::string idx_bytes(const std::vector<std::uint32_t>& shape, const std::string& values) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape)
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(extent >> shift & 0xff);
  return bytes + values;
}

/// Writes `content`, gzipped, to `path`.
inline void write_gzip(const std::filesystem::path& path, const std::string& content) {
  const gzFile file = gzopen(path.c_str(), "wb");
  const bool written =
      file != nullptr && (content.empty() || gzwrite(file, content.data(), static_cast<unsigned>(content.size())) > 0);
  if (file == nullptr || gzclose(file) != Z_OK || !written)
    throw std::runtime_error("A gzipped file cannot be written.");
}

}  // namespace tilery_examples
