// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The header of a safetensors file: a JSON object that maps each tensor's name to its type, its shape and the range
// of its bytes. The ranges must tile the data exactly, so that no byte is hidden and none is read as two tensors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "strict_json.hpp"
#include "tensor_entry.hpp"

namespace tilery_examples {

/// The longest header that is read or written, in bytes; the reference implementation's limit.
inline constexpr std::uint64_t safetensors_header_limit = 100'000'000;

/// A tensor as the header describes it: its bytes are [begin, end) of the data after the header.
struct tensor_record {
  std::string name, dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin, end;
};

/// What a header says: the tensors in the order of their bytes, and free text.
struct safetensors_header {
  std::vector<tensor_record> tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads the entry of one tensor. `refuse` takes the rest of a sentence whose subject is the file, and throws.
template <class Refuse>
tensor_record parse_tensor_record(const std::string& name, const nlohmann::json& entry, const Refuse& refuse) {
  const auto is_natural = [](const nlohmann::json& number) { return number.is_number_unsigned(); };
  const auto are_naturals = [&](const char* key) {
    return entry.contains(key) && entry[key].is_array() &&
           std::all_of(entry[key].begin(), entry[key].end(), is_natural);
  };
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry["dtype"].is_string() ||
      !are_naturals("shape") || !are_naturals("data_offsets") || entry["data_offsets"].size() != 2)
    refuse(
        "has a malformed entry for the tensor " + quoted(name) +
        ", but it must have exactly a dtype (text), a shape (natural numbers) and data_offsets (two natural numbers).");
  return {name, entry["dtype"].get<std::string>(), entry["shape"].get<std::vector<std::uint64_t>>(),
          entry["data_offsets"][0].get<std::uint64_t>(), entry["data_offsets"][1].get<std::uint64_t>()};
}

/// Checks that a tensor's range lies within the `data_bytes` bytes of data and has the length of its shape.
template <class Refuse>
void check_tensor_record(const tensor_record& tensor, std::uint64_t data_bytes, const Refuse& refuse) {
  const std::string subject = "has the tensor " + quoted(tensor.name);
  const auto element_bytes = dtype_bytes(tensor.dtype);
  if (!element_bytes)
    refuse(subject + " of type " + quoted(tensor.dtype) + ", but must have one of " + dtype_names() + ".");
  const auto bytes = tensor_bytes(tensor.shape, *element_bytes);
  if (!bytes) refuse(subject + " of shape " + shape_text(tensor.shape) + ", but its bytes must fit 64 bits.");
  const std::string range = std::to_string(tensor.begin) + " to " + std::to_string(tensor.end);
  if (tensor.begin > tensor.end || tensor.end > data_bytes)
    refuse(subject + " at the offsets " + range + ", but they must rise and stay within its " +
           std::to_string(data_bytes) + " bytes of data.");
  if (tensor.end - tensor.begin != *bytes)
    refuse(subject + " in " + std::to_string(tensor.end - tensor.begin) + " bytes, but " + tensor.dtype + " of shape " +
           shape_text(tensor.shape) + " must have " + std::to_string(*bytes) + ".");
}

/// Checks that `tensors`, which it sorts by offset, cover the `data_bytes` bytes of data without overlap or hole.
template <class Refuse>
void check_tiling(std::vector<tensor_record>& tensors, std::uint64_t data_bytes, const Refuse& refuse) {
  std::sort(tensors.begin(), tensors.end(), [](const tensor_record& left, const tensor_record& right) {
    return std::tie(left.begin, left.end, left.name) < std::tie(right.begin, right.end, right.name);
  });
  std::uint64_t covered = 0;
  const auto check_begin = [&](std::uint64_t begin, const std::string& what) {
    const std::string must = ", but must begin where the tensor before it ends, at " + std::to_string(covered) + ".";
    if (begin < covered) refuse("has overlapping data: " + what + " begins at " + std::to_string(begin) + must);
    if (begin > covered) refuse("has a hole in its data: " + what + " begins at " + std::to_string(begin) + must);
  };
  for (const tensor_record& tensor : tensors) {
    check_begin(tensor.begin, "the tensor " + quoted(tensor.name));
    covered = tensor.end;
  }
  if (covered != data_bytes)
    refuse("has " + std::to_string(data_bytes) + " bytes of data, but its tensors must cover them all and end at " +
           std::to_string(covered) + ".");
}

/// Reads the header `text` of a file with `data_bytes` bytes of data after it, and checks all that it claims.
/// `refuse` takes the rest of a sentence whose subject is the file, and throws.
template <class Refuse>
safetensors_header parse_safetensors_header(std::string_view text, std::uint64_t data_bytes, const Refuse& refuse) {
  constexpr int levels = 3;  // the header, an entry, a shape
  const nlohmann::json json = parse_strict_json(text, levels, refuse);
  if (!json.is_object() || text.front() != '{')
    refuse("has a header that is no JSON object from its first byte on, but must be one.");
  safetensors_header header;
  for (const auto& [name, entry] : json.items()) {
    if (name != "__metadata__") {
      header.tensors.push_back(parse_tensor_record(name, entry, refuse));
      check_tensor_record(header.tensors.back(), data_bytes, refuse);
      continue;
    }
    const auto is_text = [](const nlohmann::json& value) { return value.is_string(); };
    if (!entry.is_object() || !std::all_of(entry.begin(), entry.end(), is_text))
      refuse("has __metadata__ that is not an object of texts, but must be one.");
    header.metadata = entry.template get<std::map<std::string, std::string>>();
  }
  check_tiling(header.tensors, data_bytes, refuse);
  return header;
}

}  // namespace tilery_examples
