// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The benchmarks' own options, taken from the arguments before Google Benchmark reads the others.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

namespace tilery_benchmarks {

/// Removes an option of ours from the arguments: `--name` (then "" is its value) or, with a value, `--name VALUE`.
inline std::optional<std::string> take_option(int& count, char** arguments, const std::string& name, bool has_value) {
  for (int i = 1; i < count; ++i) {
    if (arguments[i] != name) continue;
    if (has_value && i + 1 == count) throw std::runtime_error(name + " needs a value");
    const std::string value = has_value ? arguments[i + 1] : "";
    const int taken = has_value ? 2 : 1;
    for (int j = i; j + taken <= count; ++j) arguments[j] = arguments[j + taken];
    count -= taken;
    return value;
  }
  return std::nullopt;
}

}  // namespace tilery_benchmarks
