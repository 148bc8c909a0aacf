// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds PNG files for tests by hand, of kinds that the examples never write, and ones whose header lies.
#pragma once

#include <cstdint>
#include <string>

#include <zlib.h>

namespace tilery_examples {

/// A 32-bit number, most significant byte first.
inline std::string big_endian(std::uint32_t number) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

/// A chunk: length, type, content and checksum.
inline std::string png_chunk(const std::string& type, const std::string& content) {
  const std::string checked = type + content;
  const uLong sum = crc32_z(0, reinterpret_cast<const Bytef*>(checked.data()), checked.size());
  return big_endian(static_cast<std::uint32_t>(content.size())) + checked + big_endian(static_cast<std::uint32_t>(sum));
}

/// A file of these extents, bits a channel and PNG colour type. `rows` are the rows before packing: each begins with
/// the number of its filter, 0.
inline std::string png_bytes(std::uint32_t width, std::uint32_t height, int bits, int colour_type,
                             const std::string& rows) {
  std::string packed(compressBound(static_cast<uLong>(rows.size())), '\0');
  uLongf length = static_cast<uLongf>(packed.size());
  compress(reinterpret_cast<Bytef*>(packed.data()), &length, reinterpret_cast<const Bytef*>(rows.data()),
           static_cast<uLong>(rows.size()));
  packed.resize(length);
  const std::string kind{static_cast<char>(bits), static_cast<char>(colour_type), '\0', '\0', '\0'};
  return std::string("\x89PNG\r\n\x1a\n") + png_chunk("IHDR", big_endian(width) + big_endian(height) + kind) +
         png_chunk("IDAT", packed) + png_chunk("IEND", "");
}

}  // namespace tilery_examples
