// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads and writes pictures as PNG files, with libpng. A file is read to memory first and never trusted: no memory is
// taken for the pixels before the size that the header promises is known to be within a limit.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <png.h>

#include "atomic_file.hpp"
#include "input_file.hpp"
#include "picture.hpp"

namespace tilery_examples {

/// The most values (rows times columns times channels) that `read_png` accepts, and the longest file in bytes.
inline constexpr std::uint64_t png_values_limit = std::uint64_t{1} << 28, png_bytes_limit = std::uint64_t{1} << 28;

/// libpng's state of one picture, freed at the end of the scope.
struct png_state {
  png_image image{};
  png_state() { image.version = PNG_IMAGE_VERSION; }
  ~png_state() { png_image_free(&image); }
  png_state(const png_state&) = delete;
  png_state& operator=(const png_state&) = delete;

  /// libpng's words for what went wrong.
  std::string reason() const { return image.message[0] == '\0' ? "libpng does not say why" : image.message; }
};

/// Refuses a file whose pixels libpng cannot read.
[[noreturn]] inline void refuse_png(const input_file& file, const std::string& reason) {
  if (reason.find("read beyond end of data") != std::string::npos)
    file.refuse("ends in the middle of its picture, but must hold all of it.");
  file.refuse("is damaged: " + reason + ".");
}

/// Reads the PNG file at `path`: of any bit depth, with a palette or without, interlaced or not. Values get 8 bits.
/// Without `channels` a grey picture has 1 channel and any other 3 (red, green, blue); with `channels` the picture is
/// converted to that number, 1 or 3. Pixels that are transparent are put on black.
/// Throws `tilery::error` when the file is unreadable, not a PNG file, damaged, cut off or too large.
inline picture read_png(const std::filesystem::path& path, std::optional<std::uint32_t> channels = std::nullopt,
                        tilery::where at = {}) {
  input_file file(path, "PNG file", at);
  if (file.size() > png_bytes_limit)
    file.refuse("has " + std::to_string(file.size()) + " bytes, but must have at most " +
                std::to_string(png_bytes_limit) + ".");
  std::vector<std::byte> bytes(file.size());
  file.read(bytes);
  constexpr std::array<unsigned char, 8> signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (bytes.size() < signature.size() ||
      !std::equal(signature.begin(), signature.end(), reinterpret_cast<const unsigned char*>(bytes.data())))
    file.refuse("does not begin with the 8 bytes of PNG's signature, but must.");

  png_state state;
  png_image& image = state.image;
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) refuse_png(file, state.reason());
  picture result{image.height,
                 image.width,
                 channels ? *channels : ((image.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3U : 1U),
                 {}};
  const std::uint64_t values = std::uint64_t{result.rows} * result.columns * result.channels;
  if (values > png_values_limit)
    file.refuse("has " + std::to_string(result.rows) + " x " + std::to_string(result.columns) + " pixels, " +
                std::to_string(values) + " values, but must have at most " + std::to_string(png_values_limit) + ".");
  image.format = result.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // 16 bits are the same values as 8 bits, only finer
  result.values.resize(values);
  const png_color black{0, 0, 0};
  if (png_image_finish_read(&image, &black, result.values.data(), 0, nullptr) == 0) refuse_png(file, state.reason());
  return result;
}

/// The bytes of a PNG file of `of`, 8 bits a channel: grey for 1 channel, colour for 3. `refuse` takes the rest of a
/// sentence whose subject is the file, and throws: where the picture has no pixels, another number of channels, or
/// another number of values than its extents say.
template <class Refuse>
std::vector<std::byte> encode_png(const picture& of, const Refuse& refuse) {
  const std::string extents =
      std::to_string(of.rows) + " x " + std::to_string(of.columns) + " x " + std::to_string(of.channels);
  const std::uint64_t values = std::uint64_t{of.rows} * of.columns * of.channels;
  if (values == 0 || (of.channels != 1 && of.channels != 3) || of.values.size() != values)
    refuse("would have " + extents + " values and was given " + std::to_string(of.values.size()) +
           "; it must have pixels of 1 or 3 channels, and a value for each channel.");
  png_state state;
  png_image& image = state.image;
  image.width = of.columns, image.height = of.rows;
  image.format = of.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::byte> bytes(length);
  if (png_image_write_to_memory(&image, bytes.data(), &length, 0, of.values.data(), 0, nullptr) == 0)
    refuse("cannot be made: " + state.reason() + ".");
  bytes.resize(length);
  return bytes;
}

/// Writes `of` as a PNG file, which replaces an older one whole or not at all. Throws `tilery::error` as `encode_png`
/// refuses, and when the file cannot be written.
inline void write_png(const std::filesystem::path& path, const picture& of, tilery::where at = {}) {
  const std::vector<std::byte> bytes = encode_png(of, [&](const std::string& predicate) {
    throw tilery::error("The PNG file " + path.string() + " " + predicate, at);
  });
  atomic_file file(path, at);
  file.write(bytes);
  file.commit();
}

}  // namespace tilery_examples
