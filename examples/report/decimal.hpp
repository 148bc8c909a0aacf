// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers as text that no locale changes.
#pragma once

#include <charconv>
#include <optional>
#include <string>

namespace tilery_examples {

/// `value` with the fewest digits that read back to it, or with `decimals` of them (at most 20).
inline std::string decimal(double value, std::optional<int> decimals = std::nullopt) {
  char digits[400];  // a sign, 309 digits, a point, 20 digits
  char* const end = digits + sizeof digits;
  return {digits, decimals ? std::to_chars(digits, end, value, std::chars_format::fixed, *decimals).ptr
                           : std::to_chars(digits, end, value).ptr};
}

}  // namespace tilery_examples
