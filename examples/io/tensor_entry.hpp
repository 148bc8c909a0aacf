// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One named tensor as a safetensors file knows it: element type by name, shape, and bytes in row-major order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tilery_examples {

/// A tensor and where its bytes lie; it does not own them.
struct tensor_entry {
  std::string name;
  std::string dtype;                 ///< one of `tensor_dtypes`
  std::vector<std::uint64_t> shape;  ///< outermost first; empty for a scalar
  std::span<const std::byte> bytes;  ///< row-major, little-endian
};

/// An element type: its name in the file and its size in bytes.
struct tensor_dtype {
  std::string_view name;
  std::uint64_t size;
};

/// The element types that are read and written.
inline constexpr std::array<tensor_dtype, 8> tensor_dtypes{
    {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4}, {"I8", 1}, {"U8", 1}}};

/// The size of an element of type `dtype`, nothing for an unknown one.
inline std::optional<std::uint64_t> dtype_bytes(std::string_view dtype) {
  for (const tensor_dtype& known : tensor_dtypes)
    if (known.name == dtype) return known.size;
  return std::nullopt;
}

/// The names of `tensor_dtypes`, for sentences.
inline std::string dtype_names() {
  std::string names;
  for (const tensor_dtype& known : tensor_dtypes) names.append(names.empty() ? "" : ", ").append(known.name);
  return names;
}

/// The bytes of a tensor: `element_bytes` times the product of `shape`, multiplied in this order; nothing when that
/// leaves 64 bits on the way.
inline std::optional<std::uint64_t> tensor_bytes(const std::vector<std::uint64_t>& shape, std::uint64_t element_bytes) {
  std::uint64_t bytes = element_bytes;
  for (const std::uint64_t extent : shape) {
    if (extent != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / extent) return std::nullopt;
    bytes *= extent;
  }
  return bytes;
}

/// A shape for sentences, such as "(2, 3)".
inline std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "(";
  for (const std::uint64_t extent : shape) text += (text.size() == 1 ? "" : ", ") + std::to_string(extent);
  return text + ")";
}

}  // namespace tilery_examples
