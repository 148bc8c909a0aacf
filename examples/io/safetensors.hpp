// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes and reads safetensors, the format in which trained weights are exchanged: the header's length as a
// 64-bit little-endian number, the header (JSON), the tensors' bytes. A file is replaced whole or not at all.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <tilery/core/error.hpp>

#include "atomic_file.hpp"
#include "input_file.hpp"
#include "safetensors_header.hpp"
#include "tensor_entry.hpp"

namespace tilery_examples {

static_assert(std::endian::native == std::endian::little,
              "the format is little-endian and bytes are stored as they are");

/// The header of a file of `tensors` in their order, padded with spaces so that the data begins at a multiple of 8.
/// `refuse` takes the rest of a sentence whose subject is the file, and throws.
template <class Refuse>
std::string safetensors_header_text(const std::vector<tensor_entry>& tensors,
                                    const std::map<std::string, std::string>& metadata, const Refuse& refuse) {
  std::string text = "{";
  const auto add = [&](const std::string& name, const nlohmann::json& value) {
    text += (text.size() == 1 ? "" : ",") + nlohmann::json(name).dump() + ":" + value.dump();
  };
  try {
    if (!metadata.empty()) add("__metadata__", metadata);
    std::uint64_t end = 0;
    for (const tensor_entry& tensor : tensors) {
      const std::uint64_t begin = std::exchange(end, end + tensor.bytes.size());
      add(tensor.name, {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}});
    }
  } catch (const nlohmann::json::type_error&) {
    refuse("would have a name or metadata that is not UTF-8, but must have UTF-8 alone.");
  }
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > safetensors_header_limit)
    refuse("would have a header of " + std::to_string(text.size()) + " bytes, but must have at most " +
           std::to_string(safetensors_header_limit) + ".");
  return text;
}

/// Writes `tensors` and `metadata` to `path`, the widest elements first and then by name, so that each tensor is
/// aligned to its elements and the same content gives the same bytes. The target is replaced at the end, in one step:
/// on any failure it stays as it was, and nothing is left beside it. Throws `tilery::error` for an unknown type, bytes
/// that do not fit the shape, a name that is used twice, reserved or not UTF-8, and for every failure of the file
/// system.
inline void write_safetensors(const std::filesystem::path& path, std::span<const tensor_entry> tensors,
                              const std::map<std::string, std::string>& metadata = {}, tilery::where at = {}) {
  const auto refuse = [&](const std::string& predicate) {
    throw tilery::error("The safetensors file " + path.string() + " " + predicate, at);
  };
  std::set<std::string_view> names;
  for (const tensor_entry& tensor : tensors) {
    check_tensor_record({tensor.name, tensor.dtype, tensor.shape, 0, tensor.bytes.size()}, tensor.bytes.size(), refuse);
    if (tensor.name == "__metadata__") refuse("would have a tensor of the reserved name __metadata__, but must not.");
    if (!names.insert(tensor.name).second)
      refuse("would have two tensors of the name " + quoted(tensor.name) + ", but must have each name once.");
  }
  std::vector<tensor_entry> ordered(tensors.begin(), tensors.end());
  std::sort(ordered.begin(), ordered.end(), [](const tensor_entry& left, const tensor_entry& right) {
    return std::tuple(*dtype_bytes(right.dtype), std::string_view(left.name)) <
           std::tuple(*dtype_bytes(left.dtype), std::string_view(right.name));
  });

  const std::string header = safetensors_header_text(ordered, metadata, refuse);
  const std::uint64_t header_bytes = header.size();
  atomic_file file(path, at);
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(header);
  for (const tensor_entry& tensor : ordered) file.write(tensor.bytes);
  file.commit();
}

/// The content of a safetensors file, checked. Entries point into it, so it moves but is not copied.
class safetensors_file {
public:
  safetensors_file(std::string subject, safetensors_header header, std::vector<std::byte> data)
      : subject_(std::move(subject)), data_(std::move(data)), metadata_(std::move(header.metadata)) {
    for (tensor_record& tensor : header.tensors)
      tensors_.push_back({std::move(tensor.name), std::move(tensor.dtype), std::move(tensor.shape),
                          std::span<const std::byte>(data_).subspan(tensor.begin, tensor.end - tensor.begin)});
  }
  safetensors_file(safetensors_file&&) = default;
  safetensors_file& operator=(safetensors_file&&) = default;

  /// The tensors in the order of their bytes. Files of other writers may hold tensors that are not aligned.
  std::span<const tensor_entry> tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// The tensor called `name`; throws `tilery::error` when there is none.
  const tensor_entry& at(std::string_view name, tilery::where at = {}) const {
    for (const tensor_entry& tensor : tensors_)
      if (tensor.name == name) return tensor;
    throw tilery::error(subject_ + " has no tensor " + quoted(std::string(name)) + " among its " +
                            std::to_string(tensors_.size()) + ", but must have it.",
                        at);
  }

private:
  std::string subject_;
  std::vector<std::byte> data_;
  std::vector<tensor_entry> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Reads the safetensors file at `path`. No memory is taken on the word of the header: its length is held against the
/// file's first, and the data is read once the tensors are known to tile it.
/// Throws `tilery::error` when the file is unreadable or breaks any rule of the format.
inline safetensors_file read_safetensors(const std::filesystem::path& path, tilery::where at = {}) {
  input_file file(path, "safetensors file", at);
  const auto refuse = [&](const std::string& predicate) { file.refuse(predicate); };
  std::uint64_t header_bytes = 0;
  if (file.size() < sizeof header_bytes)
    refuse("has " + std::to_string(file.size()) + " bytes, but must have at least 8 for the length of its header.");
  file.read(std::as_writable_bytes(std::span(&header_bytes, 1)));
  const std::uint64_t rest = file.size() - sizeof header_bytes;
  if (header_bytes > rest)
    refuse("has a header of " + std::to_string(header_bytes) + " bytes, but must have at most the " +
           std::to_string(rest) + " that follow its length.");
  if (header_bytes > safetensors_header_limit)
    refuse("has a header of " + std::to_string(header_bytes) + " bytes, but must have at most " +
           std::to_string(safetensors_header_limit) + ".");
  std::string text(header_bytes, '\0');
  file.read(std::as_writable_bytes(std::span(text)));
  safetensors_header header = parse_safetensors_header(text, rest - header_bytes, refuse);
  std::vector<std::byte> data(rest - header_bytes);
  file.read(data);
  return {"The safetensors file " + path.string(), std::move(header), std::move(data)};
}

}  // namespace tilery_examples
