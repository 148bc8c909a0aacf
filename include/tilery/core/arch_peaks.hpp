// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Published peak rates of GPUs, one or two products per arch. The roofline of the virtual GPU
// (simt/virtual/roofline.hpp) computes its bounds from these rates.
//
// Sources. SM counts, clocks, tensor-core rates, L2 and DRAM: NVIDIA's data sheets and architecture white papers
// (Turing TU104 and T4; A100; GA102; H100; H200 data sheet; Ada; RTX Blackwell; HGX B200 data sheet). FMA and
// special-function rates: CUDA C++ Programming Guide, "Arithmetic Instructions"; they agree with the white papers.
// Units. The white papers give operations per second; a multiply-add is two operations. The table gives multiply-adds
// per clock and SM: (operations per second) / (2 * clock * SMs), always a power of two. Rates are without sparsity.
// Accumulators. The tensor cores of GeForce GPUs multiply half and fp8 at half of the rate if the accumulators are
// float instead of half. The table holds this half rate, because all of tilery's kernels accumulate in 32 bits or more.
// L2 bandwidth. NVIDIA publishes it for A100 alone (5120 bytes per clock). For all other GPUs the table assumes 64
// bytes per clock and SM; measured bandwidths are below this assumption.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// Multiply-adds per clock of one SM, for each unit. `special`: values of special functions (such as 2^x) per clock of
/// one SM. 0: the SM has no such unit.
struct unit_rates {
  int fma_f32, fma_f64, fma_f16, special, tensor_f16, tensor_tf32, tensor_f8, tensor_s8, tensor_f64;
};

/// The peak rates of one product.
struct arch_peaks {
  arch id;
  const char* product;
  int multiprocessors;
  double clock;         ///< Hz, the highest published
  double tensor_clock;  ///< Hz, the clock of the published tensor-core rates other than double's
  unit_rates a_clock;   ///< per clock of one SM
  double dram_bytes_a_second;
  std::int64_t l2_bytes;
  int l2_bytes_a_clock;  ///< bytes per clock, of the whole GPU

  static constexpr int shared_bytes_a_clock = 128;  ///< bytes per clock of one SM; L1 has the same bandwidth
};

inline constexpr std::int64_t mebibyte = std::int64_t{1} << 20;

/// The table of peak rates: one row per product. `peaks` returns the first row of an arch. sfu: the special
/// functions' unit.
// clang-format off
inline constexpr arch_peaks all_arch_peaks[] = {
    //                              SMs   clock  tensor    f32  f64  f16 sfu   tensor cores:                  DRAM              L2  L2 bytes
    //                                             clock                      f16  tf32    f8    s8  f64  bytes/s           bytes  a clock
    {arch::sm_75,  "T4",             40, 1.590e9, 1.590e9, { 64,  2, 128, 16,  512,    0,    0, 1024,   0},  320e9,   4 * mebibyte, 40 * 64},
    {arch::sm_80,  "A100 SXM 80GB", 108, 1.410e9, 1.410e9, { 64, 32, 256, 16, 1024,  512,    0, 2048,  64}, 2039e9,  40 * mebibyte, 5120},
    {arch::sm_86,  "RTX 3090",       82, 1.695e9, 1.695e9, {128,  2, 128, 16,  256,  128,    0, 1024,   2},  936e9,   6 * mebibyte, 82 * 64},
    {arch::sm_89,  "RTX 4090",      128, 2.520e9, 2.520e9, {128,  2, 128, 16,  256,  128,  512, 1024,   2}, 1008e9,  72 * mebibyte, 128 * 64},
    {arch::sm_90,  "H100 SXM",      132, 1.980e9, 1.830e9, {128, 64, 256, 16, 2048, 1024, 4096, 4096, 128}, 3352e9,  50 * mebibyte, 132 * 64},
    {arch::sm_90,  "H200 SXM",      132, 1.980e9, 1.830e9, {128, 64, 256, 16, 2048, 1024, 4096, 4096, 128}, 4800e9,  50 * mebibyte, 132 * 64},
    {arch::sm_100, "B200",          148, 1.965e9, 1.857e9, {128, 64, 256, 16, 4096, 2048, 8192, 8192,  64}, 7700e9, 126 * mebibyte, 148 * 64},
    {arch::sm_120, "RTX 5090",      170, 2.407e9, 2.407e9, {128,  2, 128, 16,  256,  128,  512, 1024,   2}, 1792e9,  96 * mebibyte, 170 * 64},
};
// clang-format on

/// Returns the peak rates of the first product in the table that has this arch; those of the T4 for an arch without a
/// row (the CPU).
constexpr const arch_peaks& peaks(arch id) {
  for (const arch_peaks& entry : all_arch_peaks)
    if (entry.id == id) return entry;
  return all_arch_peaks[0];
}

}  // namespace tilery::inline TILERY_ABI
