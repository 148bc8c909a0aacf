// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of shapes that ops share, each a sentence with the operand's name.
#pragma once
#pragma GCC system_header

#include <tilery/core/operand_checks.hpp>

namespace tilery::inline TILERY_ABI {

/// Refuses an operand whose rows and columns differ from the first one's.
inline finding check_same_shape(const char* op, const operands& all) {
  for (const operand& o : all)
    if (o.extents[0] != all[0].extents[0] || o.extents[1] != all[0].extents[1])
      return {op, ": ", o.name, " is ", o.shape(), "; it must be ", all[0].shape(), " like ", all[0].name};
  return {};
}

/// Refuses a vector that has not n elements.
inline finding check_length(const char* op, const operand& o, std::int64_t n, const char* what) {
  if (o.extents[1] == n) return {};
  return {op, ": ", o.name, " has ", o.extents[1], " elements; it must have ", n, ", ", what};
}

}  // namespace tilery::inline TILERY_ABI
