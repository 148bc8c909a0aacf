// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of the CPU GEMM (gemm_cpu): register tile and blocks by the host's instruction set, with their evidence
// (the measurements that they come from), and the selector. A translation unit uses the row of the instruction set that
// it is compiled for. A block of B is packed (copied in the order of its use) or read in place.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/gemm_cpu.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of the table: the register tile and the blocks for one instruction set of the host, and the selector's
/// constants.
struct gemm_cpu_row {
  host_isa isa;
  arch from = arch::cpu;
  int rows, vectors;            // rows of the register tile, and its columns in vector registers
  int k_block_bytes;            // bytes of k_block elements of the accumulation type (k_block: gemm_cpu.hpp)
  int n_block;                  // columns of a block of B
  std::int64_t in_place_bytes;  // bytes of the largest B that is read in place
  std::int64_t few_rows_bytes;  // bytes of the largest B that is read in place if A has at most few_rows rows
  int few_rows;
  evidence measured;
};

// Register tile and blocks. A strip of A (6 rows of 2 KiB) takes 12 KiB of an L1 cache of 32 KiB. A block of B (512 x
// 320 floats) takes 640 KiB of an L2 cache of 1024 KiB.
//
// Evidence. Speed as a ratio to oneDNN 2.6 on a Xeon of the Cascade Lake family (1 MiB of L2 cache, a core shared with
// another thread), one thread, float, square problems, g++ 12 -O3, 2026-11-22. A tile is given as rows x vectors of 16
// floats; k_block is 384 where the line gives no other:
//
//   register tile, AVX-512             m = n = k = 512    1024    2048
//   6 x 4 vectors                                 1.10    1.08    0.92
//   8 x 3                                         1.10    0.96    0.91
//   12 x 2                                        1.04    0.80    0.80    rows of A evict each other from the L1 cache
//   6 x 4, k_block 512, n_block 320               1.20    1.01    0.97    C is read and written less often
//   6 x 4, k_block 768, n_block 192               1.18    1.03    0.98
//   6 x 4, k_block 384, A packed                  1.09    0.99    0.91
//
// B in place. Time with B packed divided by time with B in place (above 1: in place is faster), same machine and date,
// for a B of 16, 64, 256 and 512 KiB (k = 64, 128, 256, 256):
//
//   B, KiB     16    64   256   512
//   m = 8    1.85  1.60  2.00  1.33
//   m = 24   1.34  1.14  1.29  1.03
//   m = 64   1.12  0.95  1.05  0.98
//   m = 256  1.03  0.82  0.78  0.70
inline constexpr gemm_cpu_row gemm_cpu_avx512_on_cascade_lake =
    {.isa = host_isa::avx512,
     .rows = 6,
     .vectors = 4,
     .k_block_bytes = 2048,
     .n_block = 320,
     .in_place_bytes = 32 << 10,
     .few_rows_bytes = 512 << 10,
     .few_rows = 24,
     .measured = {.machine = "Intel Xeon of the Cascade Lake family",
                  .when = "g++ 12 -O3, 2026-11-22",
                  .command = "benchmarks/run.sh gemm_cpu",
                  .figure = "float, one thread, 512 to 2048: 0.97 to 1.20 of oneDNN 2.6"}};

/// Returns the row for an instruction set without AVX-512. Such an instruction set has 16 vector registers, AVX-512 has
/// 32. A tile of 6 rows x 2 vectors has 12 accumulators, and leaves 4 registers for A and B. A tile of 6 x 3 has 18
/// accumulators, which do not fit 16 registers.
constexpr gemm_cpu_row gemm_cpu_narrow(host_isa isa) {
  gemm_cpu_row row = gemm_cpu_avx512_on_cascade_lake;
  row.isa = isa, row.vectors = 2;
  row.measured = not_measured("the AVX-512 row, with the vectors that 16 registers hold");
  return row;
}

/// The rows, one for each instruction set.
inline constexpr gemm_cpu_row all_gemm_cpu_rows[] = {
    gemm_cpu_narrow(host_isa::baseline),
    gemm_cpu_narrow(host_isa::avx2),
    gemm_cpu_avx512_on_cascade_lake,
};

/// Returns the row of an instruction set.
constexpr const gemm_cpu_row& gemm_cpu_row_of(host_isa isa) {
  for (const gemm_cpu_row& row : all_gemm_cpu_rows)
    if (row.isa == isa) return row;
  return all_gemm_cpu_rows[0];
}
/// Returns the policy that `row` gives for accumulators of `accumulator_bytes` bytes.
constexpr gemm_cpu_policy tuned_gemm_cpu(int accumulator_bytes, bool b_in_place,
                                         const gemm_cpu_row& row = gemm_cpu_row_of(native_isa)) {
  return {.rows = row.rows,
          .vectors = row.vectors,
          .k_block = row.k_block_bytes / accumulator_bytes,
          .n_block = row.n_block,
          .b_in_place = b_in_place};
}

/// Row, candidates and selector for elements of T. There are two candidates: one packs B, one reads B in place.
template <class T>
struct gemm_cpu_rows {
  static constexpr gemm_cpu_row rows[1] = {gemm_cpu_row_of(native_isa)};

  static constexpr candidate_list<gemm_cpu_policy, 2> candidates(const gemm_cpu_row& row) {
    return {{tuned_gemm_cpu(sizeof(T), false, row), tuned_gemm_cpu(sizeof(T), true, row)}};
  }
  static constexpr choice select(const gemm_cpu_row& row, const gemm_cpu_policy (&)[2], const gemm_problem& p) {
    constexpr int packed = 0, in_place = 1;
    if (p.b.contiguous != along::outer) return {packed, "B is not contiguous along n: it has to be copied"};
    const std::int64_t b_bytes = static_cast<std::int64_t>(p.n) * p.k * static_cast<std::int64_t>(sizeof(T));
    if (b_bytes <= row.in_place_bytes) return {in_place, "B fits the L1 cache: a packed copy would not be faster"};
    if (p.m <= row.few_rows && b_bytes <= row.few_rows_bytes)
      return {in_place, "A has few rows: B is read too few times for a packed copy to pay off"};
    return {packed, "B is read many times: a packed copy is read faster"};
  }
};

/// For element types that are not their own accumulation type. B is always packed, because packing converts the
/// elements: there is one candidate.
template <class T>
requires(!std::is_same_v<T, accumulator_t<T>>) struct gemm_cpu_rows<T> {
  static constexpr gemm_cpu_row rows[1] = {gemm_cpu_row_of(native_isa)};

  static constexpr candidate_list<gemm_cpu_policy, 1> candidates(const gemm_cpu_row& row) {
    return {{tuned_gemm_cpu(sizeof(accumulator_t<T>), false, row)}};
  }
  static constexpr choice select(const gemm_cpu_row&, const gemm_cpu_policy (&)[1], const gemm_problem&) {
    return {0, "elements are converted to the accumulation type as they are packed"};
  }
};

/// The table of the CPU GEMM for elements of T.
template <class T>
struct gemm_cpu_table : policy_table<gemm_cpu_rows<T>> {};

}  // namespace tilery::inline TILERY_ABI
