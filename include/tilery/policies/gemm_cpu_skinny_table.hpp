// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of gemm_cpu_skinny, the CPU GEMM for a C with few rows or few columns: its policy, the selector's condition
// for it, and the evidence.
#pragma once
#pragma GCC system_header

#include <tilery/policies/gemm_cpu_skinny.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// The row of the table: the condition for gemm_cpu_skinny, as bounds of C's shorter dimension.
struct gemm_cpu_skinny_row {
  arch from = arch::cpu;
  std::int64_t cache_bytes;   // a long operand of fewer bytes is in the L2 cache
  int few_of_cached_columns;  // long operand in the cache: only A contiguous along m, and so many columns
  int few_of_long_rows;       // B contiguous along n
  int few;                    // other layouts
  evidence measured;
};

// Evidence. Time of the packed kernel (gemm_cpu) divided by the time of this one, one thread, float, on a Xeon of the
// Cascade Lake family (1 MiB of L2 cache), g++ 12 -O3, 2026-11-23 (512 x 512 and 256 x 256 with another program running
// on the machine). The long operand is contiguous along k, or along C's longer dimension (n of B, m of A):
//
//   long operand    B along k          B along n           A along k          A along m: gemm_cpu transposes A
//   of few =        1    4    8   16   1    4    8   16    1    4    8   16   1    4    8   16
//   4096 x 4096     4.9  4.9  3.3 2.3  3.1  2.4  1.5 0.7   2.6  2.2  1.7 1.0  8.8  6.2  3.4 1.9
//   512 x 512       5.5       1.5 0.9  0.9       0.8 0.8   5.6       1.2 0.7  9.3       3.0 1.2
//   256 x 256       2.4       0.8 0.5  0.5       0.5 0.5   4.5       1.1 0.5  7.8       2.0 1.0
//
// In the column "B along n", gemm_cpu reads B in place, except for 4096 x 4096, where it packs B.
inline constexpr gemm_cpu_skinny_row all_gemm_cpu_skinny_rows[] = {
    {.cache_bytes = 1 << 20,
     .few_of_cached_columns = 8,
     .few_of_long_rows = 8,
     .few = 16,
     .measured = {.machine = "Intel Xeon of the Cascade Lake family",
                  .when = "g++ 12 -O3, 2026-11-23",
                  .command = "benchmarks/run.sh gemm_cpu",
                  .figure = "float, one thread, 4096 x 4096, 1 to 8 rows: 1.5 to 4.9 times as fast as gemm_cpu"}}};

/// Row, candidate and selector.
struct gemm_cpu_skinny_rows {
  static constexpr const auto& rows = all_gemm_cpu_skinny_rows;

  static constexpr candidate_list<gemm_cpu_skinny_policy, 1> candidates(const gemm_cpu_skinny_row&) { return {{{}}}; }
  static constexpr choice select(const gemm_cpu_skinny_row&, const gemm_cpu_skinny_policy (&)[1], const gemm_problem&) {
    return {0, "few rows or columns: the long operand is read once, where it lies"};
  }
};

/// The table of gemm_cpu_skinny for elements of T.
template <class T>
struct gemm_cpu_skinny_table : policy_table<gemm_cpu_skinny_rows> {
  /// True if this kernel should serve the problem.
  static constexpr bool serves(const gemm_problem& p) {
    if (misfit(candidates[0], p)) return false;
    const gemm_cpu_skinny_row& row = gemm_cpu_skinny_rows::rows[0];
    const int few = lesser(p.m, p.n);
    const bool is_strided_along_k = long_operand(p).contiguous == along::outer;
    const bool transposes_a = is_strided_along_k && p.n < p.m;
    const bool is_cached =
        std::int64_t{greater(p.m, p.n)} * p.k * static_cast<std::int64_t>(sizeof(T)) < row.cache_bytes;
    if (few == 1) return !(is_cached && is_strided_along_k && !transposes_a);
    if (is_cached) return transposes_a && few <= row.few_of_cached_columns;
    return few <= (is_strided_along_k && !transposes_a ? row.few_of_long_rows : row.few);
  }
};

}  // namespace tilery::inline TILERY_ABI
