// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU GEMM's candidates for each element type, and the selector. The vector width of the candidates is that of the
// instruction set for which the translation unit is compiled.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/choice.hpp>
#include <tilery/policies/gemm_cpu.hpp>

namespace tilery::inline TILERY_ABI {

/// The tuned register tile and blocks for accumulators of `accumulator_bytes`.
///
/// Evidence. Speed as a ratio to oneDNN 2.6 on a Xeon of the Cascade Lake family (1 MiB of L2 cache, a core shared with
/// another thread), one thread, float, square problems, g++ 12 -O3, 2026-11-22:
///
///   tile, AVX-512, k_block 384     512     1024    2048
///   6 x 4 vectors                  1.10    1.08    0.92
///   8 x 3                          1.10    0.96    0.91
///   12 x 2                         1.04    0.80    0.80    rows of A evict each other from the L1 cache
///   6 x 4, k_block 512, n_block 320  1.20  1.01    0.97    C is read and written less often
///   6 x 4, k_block 768, n_block 192  1.18  1.03    0.98
///   6 x 4, k_block 384, A packed   1.09    0.99    0.91
///
/// AVX2 and SSE have half the registers: with 6 rows, 2 vectors are the most that leave registers for B and A.
constexpr gemm_cpu_policy tuned_gemm_cpu(int accumulator_bytes, bool b_in_place) {
  return {.rows = 6,
          .vectors = native_isa == host_isa::avx512 ? 4 : 2,
          .k_block = 2048 / accumulator_bytes,  // a strip of A is 12 KiB of an L1 cache of 32 KiB
          .n_block = 320,                       // a block of B is 640 KiB of an L2 cache of 1024 KiB
          .b_in_place = b_in_place};
}

/// Candidates for elements of T: B packed, and B read in place.
template <class T>
struct gemm_cpu_table {
  static constexpr gemm_cpu_policy candidates[2] = {tuned_gemm_cpu(sizeof(T), false), tuned_gemm_cpu(sizeof(T), true)};

  static constexpr choice choose(const gemm_problem& p) {
    constexpr int packed = 0, in_place = 1;
    if (p.b.contiguous != along::outer) return {packed, "B is not contiguous along n: it has to be copied"};
    // Evidence: time with B packed divided by time with B in place, same machine and date, for a B of 16, 64, 256 and
    // 512 KiB (k = 64, 128, 256, 256):
    //   m = 8    1.85  1.60  2.00  1.33
    //   m = 24   1.34  1.14  1.29  1.03
    //   m = 64   1.12  0.95  1.05  0.98
    //   m = 256  1.03  0.82  0.78  0.70
    const std::int64_t b_bytes = static_cast<std::int64_t>(p.n) * p.k * static_cast<std::int64_t>(sizeof(T));
    if (b_bytes <= 32 << 10) return {in_place, "B fits the first cache: a copy would gain nothing"};
    if (p.m <= 24 && b_bytes <= 512 << 10) return {in_place, "A has few rows: B is read too seldom to be worth a copy"};
    return {packed, "B is read many times: a packed copy is read faster"};
  }
};

/// Element types other than their accumulation type: packing converts the elements, so B is always packed.
template <class T>
requires(!std::is_same_v<T, accumulator_t<T>>) struct gemm_cpu_table<T> {
  static constexpr gemm_cpu_policy candidates[1] = {tuned_gemm_cpu(sizeof(accumulator_t<T>), false)};

  static constexpr choice choose(const gemm_problem&) {
    return {0, "elements are converted to the accumulation type as they are packed"};
  }
};

}  // namespace tilery::inline TILERY_ABI
