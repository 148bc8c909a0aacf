// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a table's rows must be, as a function that finds a fault, and a table with a row of its own for one arch.
#pragma once

#include <tilery/policies/column_sum_table.hpp>
#include <tilery/policies/elementwise_table.hpp>
#include <tilery/policies/gemm_mma_sync_selector.hpp>
#include <tilery/policies/gemm_simt_selector.hpp>
#include <tilery/policies/gemm_skinny_table.hpp>
#include <tilery/policies/row_table.hpp>

namespace tilery_tests {

using namespace tilery;

inline constexpr arch gpu_archs[] = {arch::sm_75, arch::sm_80,  arch::sm_86, arch::sm_89,
                                     arch::sm_90, arch::sm_100, arch::sm_120};

/// The first fault of a table that claims all GPUs from `first` on, or null. `facts` are what broken_rule takes besides
/// the policy.
template <class Source, class... Facts>
constexpr const char* fault_of_rows(arch first, Facts... facts) {
  using table = policy_table<Source>;
  for (const auto& row : Source::rows) {
    int same = 0;
    for (const auto& other : Source::rows) same += other.from == row.from;
    if (same != 1) return "two rows are for one arch";
    if (*row.measured.figure == 0) return "a row has no evidence";
    if (row.measured.is_measured() && (*row.measured.when == 0 || *row.measured.command == 0))
      return "evidence has no date or no command";
  }
  for (const arch target : gpu_archs) {
    if ((row_for(Source::rows, target) >= 0) != is_at_least(target, first)) return "an arch that is claimed has no row";
    if (!is_at_least(target, first)) continue;
    for (auto p : table::candidates_for(target)) {
      if (!is_at_least(target, p.lowest)) return "a candidate is for a later arch than its row";
      p.lowest = target;
      if (const char* broken = broken_rule(p, facts...)) return broken;
    }
  }
  return nullptr;
}

/// The rows of half with another large tile.
constexpr gemm_mma_sync_row with_large(arch from, gemm_mma_sync_cut large) {
  gemm_mma_sync_row row = taken_from(gemm_mma_sync_16_bit_on_h200, from, "planted");
  row.large = large;
  return row;
}
/// The table of half with another large tile on sm_120.
struct planted_rows : gemm_mma_sync_rows<half> {
  static constexpr gemm_mma_sync_row rows[] = {taken_from(gemm_mma_sync_16_bit_on_h200, arch::sm_80, "planted"),
                                               gemm_mma_sync_16_bit_on_h200,
                                               with_large(arch::sm_120, {{128, 64, 64}, {64, 32}, 3})};
};
using planted_table = policy_table<planted_rows>;

/// A large problem with row-major A and B.
constexpr gemm_problem large_problem(arch target) {
  return {4096, 4096, 4096, {along::k, 8}, {along::outer, 8}, 8, target};
}
constexpr gemm_mma_sync_policy planted_choice(arch target) {
  return planted_table::candidates[planted_table::choose(large_problem(target)).index];
}

}  // namespace tilery_tests
