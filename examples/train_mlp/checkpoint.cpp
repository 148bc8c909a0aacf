// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkpoint.hpp"

#include "../io/safetensors.hpp"

namespace tilery_examples {

void save_checkpoint(const std::filesystem::path& path, std::span<const named_weights> weights,
                     const std::map<std::string, std::string>& notes) {
  std::vector<tensor_entry> entries;
  for (const named_weights& w : weights) entries.push_back({w.name, "F32", w.shape, std::as_bytes(w.values)});
  write_safetensors(path, entries, notes);
}

}  // namespace tilery_examples
