// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of an op's shapes, for use by several ops. A failed check returns a sentence with the operand's name, a passed
// check an empty sentence.
#pragma once
#pragma GCC system_header

#include <tilery/core/operand_checks.hpp>

namespace tilery::inline TILERY_ABI {

/// Refuses an operand whose rank or extents differ from those of the first operand.
inline finding check_same_shape(const char* op, const operands& all) {
  for (const operand& o : all) {
    bool same = o.rank == all[0].rank;
    for (int d = 0; d < o.rank; ++d) same = same && o.extents[d] == all[0].extents[d];
    if (!same) return {op, ": ", o.name, " is ", o.shape(), "; it must be ", all[0].shape(), " like ", all[0].name};
  }
  return {};
}

/// Refuses a vector whose length is not n. `what` explains n in the sentence: "one for each column of x".
inline finding check_length(const char* op, const operand& o, std::int64_t n, const char* what) {
  if (o.extents[0] == n) return {};
  return {op, ": ", o.name, " has ", o.extents[0], " elements; it must have ", n, ", ", what};
}

}  // namespace tilery::inline TILERY_ABI
