// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of gemm_cpu_skinny, the CPU GEMM for a C with few rows or few columns: its policy, the selector's condition
// for it, and the evidence.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/gemm_cpu_skinny.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// The only row of the table. The long operand is B if m <= n, else A (gemm_cpu_skinny.hpp). Each "bound" is the
/// largest extent of C's shorter dimension with which gemm_cpu_skinny should serve the problem, if the long operand is
/// contiguous along C's longer dimension. For other layouts see serves() below.
struct gemm_cpu_skinny_row {
  arch from = arch::cpu;
  std::int64_t cache_bytes;    // a long operand of fewer bytes than this counts as cached (it fits the L2 cache)
  int few_of_cached_columns;   // bound if A is the long operand, contiguous along m, and cached
  int few_of_rows;             // bound if B is the long operand, contiguous along n, and not cached
  int few_of_columns;          // bound if A is the long operand, contiguous along m, and not cached
  evidence measured;           // for a long operand that is contiguous along k
  evidence measured_of_lines;  // for a long operand that is contiguous along C's longer dimension
};

// Evidence. Two numbers in GFLOP/s: the speed of this kernel / the speed of the packed kernel (gemm_cpu). One thread,
// float, 2 virtual CPUs of an EPYC of the Zen 4 family (1 MiB of L2 cache), g++ 12 -O3 -march=znver3 (AVX2),
// 2026-11-30. The long operand is contiguous along k. With few = 8 and 16, this kernel uses register tiles.
//
// Rows of both tables: the shape of the long operand. few: the extent of C's shorter dimension.
//
//   long operand   B along k (C of few x n)          A along k (C of m x few)
//   few =          2        4        8        16       2        4        8        16
//   4096 x 4096    18 / 7   25 / 13  66 / 20  95 / 34  18 / 11  24 / 23  66 / 50  95 / 71
//   512 x 512      41 / 18  45 / 29  77 / 42 103 / 71  42 / 18  48 / 37  79 / 77 107 / 109
//   256 x 256      37 / 20  45 / 33  74 / 44  97 / 75  33 / 17  40 / 35  76 / 77 103 / 107
//
// If the long operand is contiguous along C's longer dimension (n of B, m of A): the time of the packed kernel divided
// by the time of this kernel, one thread, float, on a Xeon of the Cascade Lake family (1 MiB of L2 cache), g++ 12 -O3,
// 2026-11-23 (512 x 512 and 256 x 256 with another program running on the machine). No number: not measured.
//
//   long operand    B along n           A along m: gemm_cpu transposes A
//   few =           1    4    8   16    1    4    8   16
//   4096 x 4096     3.1  2.4  1.5 0.7   8.8  6.2  3.4 1.9
//   512 x 512       0.9       0.8 0.8   9.3       3.0 1.2
//   256 x 256       0.5       0.5 0.5   7.8       2.0 1.0
//
// In the columns "B along n", gemm_cpu read B in place in this measurement, except for 4096 x 4096, where it packed B.
inline constexpr gemm_cpu_skinny_row all_gemm_cpu_skinny_rows[] = {
    {.cache_bytes = 1 << 20,
     .few_of_cached_columns = 8,
     .few_of_rows = 8,
     .few_of_columns = 16,
     .measured = {.machine = "EPYC of the Zen 4 family",
                  .when = "g++ 12 -O3 -march=znver3, 2026-11-30",
                  .command = "benchmarks/run.sh gemm_cpu",
                  .figure = "float, one thread, B along k, 4096 x 4096: 2 to 3 times as fast as gemm_cpu"},
     .measured_of_lines = {.machine = "Intel Xeon of the Cascade Lake family",
                           .when = "g++ 12 -O3, 2026-11-23",
                           .command = "benchmarks/run.sh gemm_cpu",
                           .figure =
                               "float, one thread, 4096 x 4096, few = 1 to 8: 1.5 to 8.8 times as fast as gemm_cpu"}}};

/// The row, the only candidate, and the selector.
struct gemm_cpu_skinny_rows {
  static constexpr const auto& rows = all_gemm_cpu_skinny_rows;

  static constexpr candidate_list<gemm_cpu_skinny_policy, 1> candidates(const gemm_cpu_skinny_row&) { return {{{}}}; }
  static constexpr choice select(const gemm_cpu_skinny_row&, const gemm_cpu_skinny_policy (&)[1], const gemm_problem&) {
    return {0, "few rows or columns: the long operand is read once, in place"};
  }
};

/// The table of gemm_cpu_skinny for elements of T.
template <class T>
struct gemm_cpu_skinny_table : policy_table<gemm_cpu_skinny_rows> {
  /// True if this kernel, not gemm_cpu, should serve the problem. `few` is the extent of C's shorter dimension.
  static constexpr bool serves(const gemm_problem& p) {
    if (misfit(candidates[0], p)) return false;
    const gemm_cpu_skinny_row& row = gemm_cpu_skinny_rows::rows[0];
    const int few = lesser(p.m, p.n);
    const bool long_is_a = p.n < p.m;  // if A is also contiguous along m, gemm_cpu would have to transpose A
    const bool is_cached =
        std::int64_t{greater(p.m, p.n)} * p.k * static_cast<std::int64_t>(sizeof(T)) < row.cache_bytes;
    if (long_operand(p).contiguous == along::k) {
      constexpr bool has_tiles = candidates[0].has_tiles() && std::is_same_v<T, accumulator_t<T>>;
      return has_tiles || few == 1 || !is_cached;
    }
    if (few == 1) return !is_cached || long_is_a;
    if (is_cached) return long_is_a && few <= row.few_of_cached_columns;
    return few <= (long_is_a ? row.few_of_columns : row.few_of_rows);
  }
};

}  // namespace tilery::inline TILERY_ABI
