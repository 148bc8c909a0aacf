// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the column sum kernel, and its rules. The kernel adds up the rows of a matrix, as the gradient of a
// bias does.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/error.hpp>

namespace tilery::inline TILERY_ABI {

/// How the column sum kernel cuts a matrix. A block adds up slice_rows rows (a slice of the matrix) in columns()
/// columns. If there are several slices, further launches add up the slices' sums, always in the same order: the result
/// does not depend on which block ends first.
struct column_sum_policy {
  int threads = 256;          // threads of a block
  int column_lanes = 32;      // lanes along a row; a lane adds up every row_lanes()-th row of the slice
  int vector = 4;             // elements of one access; 1 serves any strides and alignment
  int packs = 1;              // packs that a lane adds up in each of its rows; a pack has `vector` elements
  int slice_rows = 512;       // rows that a block adds up
  arch lowest = arch::sm_75;  // the first arch that the kernel is compiled for
  // The instruction set that this translation unit is compiled for. It makes the CPU's kernels of units with different
  // instruction sets different types, so that the linker does not merge their code.
  host_isa isa = native_isa;
  friend constexpr bool operator==(const column_sum_policy&, const column_sum_policy&) = default;

  constexpr int columns() const { return column_lanes * packs * vector; }
  constexpr int row_lanes() const { return threads / column_lanes; }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const column_sum_policy& p, when_broken how = when_broken::say) {
  if (p.vector < 1 || (p.vector & (p.vector - 1)))
    return broken("column_sum_policy.vector must be a power of two, because an access is one pack", how);
  if (p.packs < 1 || p.slice_rows < 1) return broken("column_sum_policy.packs and slice_rows must be at least 1", how);
  if (p.lowest == arch::cpu) {
    if (p.threads != 1 || p.column_lanes != 1)
      return broken("column_sum_policy.threads and column_lanes must be 1 on the CPU", how);
    return nullptr;
  }
  if (p.threads < 32 || p.threads % 32 || p.threads > 1024)
    return broken("column_sum_policy.threads must be a multiple of 32, from 32 to 1024", how);
  if (p.column_lanes < 1 || p.threads % p.column_lanes)
    return broken("column_sum_policy.column_lanes must divide threads", how);
  return nullptr;
}
// clang-format on

/// The facts about a matrix from which the selector chooses a policy.
struct column_sum_problem {
  int vector = 1;           // elements of the widest pack (access) for which rows are aligned and have whole packs
  bool contiguous = false;  // true if the columns are contiguous
};

}  // namespace tilery::inline TILERY_ABI
