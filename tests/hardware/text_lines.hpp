// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lines of a file, as both readers of the tools' outputs need them.
#pragma once

#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace tilery_tests {

inline bool starts_with(const std::string& text, const char* begin) { return text.rfind(begin, 0) == 0; }

/// Nothing where there is no such file.
inline std::optional<std::vector<std::string>> lines_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) return {};
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

}  // namespace tilery_tests
