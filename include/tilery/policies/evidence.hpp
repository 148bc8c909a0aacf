// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The evidence of a row in a table of policies (policy_table.hpp): the machine on which the row's numbers (tile sizes
// and the like) were measured, or the statement that they were not measured.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/sentence.hpp>

namespace tilery::inline TILERY_ABI {

/// Where the numbers of a row come from.
struct evidence {
  const char* machine = nullptr;  // the GPU or CPU that was measured; null: not measured
  const char* when = "";          // driver or compiler, and date
  const char* command = "";       // the command that repeats the measurement
  const char* figure = "";        // the result; for a row that was not measured, where its numbers come from instead

  constexpr bool is_measured() const { return machine != nullptr; }
};

/// Returns the evidence of a row that was not measured: `why` says where its numbers come from.
constexpr evidence not_measured(const char* why) { return {.figure = why}; }

/// Returns a copy of `row` for the archs from `from` on, with the evidence that it was not measured on them.
template <class Row>
constexpr Row taken_from(Row row, arch from, const char* why) {
  row.from = from, row.measured = not_measured(why);
  return row;
}

/// Returns the evidence in words.
inline sentence describe(const evidence& e) {
  if (!e.is_measured()) return {"not measured: ", e.figure};
  return {"measured on an ", e.machine, " (", e.when, ")"};
}

}  // namespace tilery::inline TILERY_ABI
