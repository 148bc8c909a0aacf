// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The archs (the GPU generations, and the CPU) as data: their vendor, features and limits. Also the vector instruction
// sets of the host.
// Source: CUDA C++ Programming Guide 13.0, "Compute Capabilities", tables of features and technical specifications.
#pragma once
#pragma GCC system_header

#include <tilery/core/features.hpp>

namespace tilery::inline TILERY_ABI {

/// The maker of a device. The values of archs of different vendors have no order: is_at_least() compares archs.
enum class vendor : int { host, nvidia };

/// An arch that a policy can be written for. The values of one vendor's archs rise in the order of their release. The
/// value of an NVIDIA arch is its compute capability, major * 10 + minor.
enum class arch : int {
  cpu = 0,
  sm_75 = 75,
  sm_80 = 80,
  sm_86 = 86,
  sm_89 = 89,
  sm_90 = 90,
  sm_100 = 100,
  sm_120 = 120
};

/// The largest size of a kernel's parameters, in bytes, on all archs: no executor can pass more.
inline constexpr int largest_parameter_bytes = 32764;

/// The features and the hardware limits of one arch. All numbers but warp_size are maxima.
struct arch_limits {
  arch id;
  const char* name;
  tilery::vendor vendor;
  tilery::features features;
  int warp_size;
  int parameter_bytes;  // the largest size of a kernel's parameters
  int threads_per_block;
  int threads_per_multiprocessor;
  int blocks_per_multiprocessor;
  int registers_per_multiprocessor;  // of 32 bits each
  int shared_bytes_per_block;        // with cudaFuncAttributeMaxDynamicSharedMemorySize set to this maximum
  int shared_bytes_per_multiprocessor;
  int blocks_per_cluster;  // the largest cluster; 1: the arch has no clusters. (CUDA allows more than 8 blocks only
                           // with cudaFuncAttributeNonPortableClusterSizeAllowed.)
};

/// The features of NVIDIA's archs. Each set includes the sets above it. An arch of NVIDIA without a set here has that
/// of the arch before it: sm_86 that of sm_80, sm_100 and sm_120 that of sm_90.
/// Source: PTX ISA 8.5, the "Target ISA Notes" of each instruction.
inline constexpr features features_of_sm_75 = features::ldmatrix | features::named_barriers;
inline constexpr features features_of_sm_80 = features_of_sm_75 | features::copy_async | features::mma_f16 |
                                              features::mma_tf32 | features::mma_f64 | features::mma_s8;
inline constexpr features features_of_sm_89 = features_of_sm_80 | features::mma_fp8;
inline constexpr features features_of_sm_90 =
    features_of_sm_89 | features::stmatrix | features::mbarrier | features::copy_bulk | features::clusters;

/// The table of archs: one row per arch. A vendor's archs are in the order of their release.
// clang-format off
inline constexpr arch_limits all_arch_limits[] = {
    //                                                        warp param.  threads per   in an SM:     shared bytes per  cluster
    //                                                        size  bytes  block,  SM blocks, regs   block,          SM   blocks
    {arch::sm_75,  "sm_75",  vendor::nvidia, features_of_sm_75, 32, 32764, 1024, 1024, 16, 65536,  64 * 1024,  64 * 1024,  1},
    {arch::sm_80,  "sm_80",  vendor::nvidia, features_of_sm_80, 32, 32764, 1024, 2048, 32, 65536, 163 * 1024, 164 * 1024,  1},
    {arch::sm_86,  "sm_86",  vendor::nvidia, features_of_sm_80, 32, 32764, 1024, 1536, 16, 65536,  99 * 1024, 100 * 1024,  1},
    {arch::sm_89,  "sm_89",  vendor::nvidia, features_of_sm_89, 32, 32764, 1024, 1536, 24, 65536,  99 * 1024, 100 * 1024,  1},
    {arch::sm_90,  "sm_90",  vendor::nvidia, features_of_sm_90, 32, 32764, 1024, 2048, 32, 65536, 227 * 1024, 228 * 1024, 16},
    {arch::sm_100, "sm_100", vendor::nvidia, features_of_sm_90, 32, 32764, 1024, 2048, 32, 65536, 227 * 1024, 228 * 1024, 16},
    {arch::sm_120, "sm_120", vendor::nvidia, features_of_sm_90, 32, 32764, 1024, 1536, 24, 65536,  99 * 1024, 100 * 1024,  8},
    // The CPU has one lane per block. Its numbers of registers and shared bytes are 0, because it has no such memories:
    // the kernel's `shared` struct is on the stack of the host thread.
    {arch::cpu,    "cpu",    vendor::host,   features::none,     1, 32764,    1,    1,  1,     0,          0,          0,  1},
};
// clang-format on

/// Returns the row of an arch; the row of sm_75 for an arch that is not in the table.
constexpr const arch_limits& limits(arch id) {
  for (const arch_limits& entry : all_arch_limits)
    if (entry.id == id) return entry;
  return all_arch_limits[0];
}

/// True if `target` is `lowest`, or a later arch of the same vendor.
constexpr bool is_at_least(arch target, arch lowest) {
  return limits(target).vendor == limits(lowest).vendor && target >= lowest;
}

/// True if the arch has every feature of the set.
constexpr bool has_features(arch target, features wanted) { return includes(limits(target).features, wanted); }

/// Returns the first arch in the table that has every feature of the set; the table's first arch if no arch has all of
/// them. For messages.
constexpr arch first_with(features wanted) {
  for (const arch_limits& entry : all_arch_limits)
    if (includes(entry.features, wanted)) return entry.id;
  return all_arch_limits[0].id;
}

/// Returns the NVIDIA arch in the table with the highest compute capability that is not above `compute_capability`,
/// that of a GPU (major * 10 + minor); sm_75 if all rows are above it.
constexpr arch arch_of(int compute_capability) {
  arch best = arch::sm_75;
  for (const arch_limits& entry : all_arch_limits)
    if (entry.vendor == vendor::nvidia && static_cast<int>(entry.id) <= compute_capability) best = entry.id;
  return best;
}

/// A vector instruction set of the host: below AVX2, AVX2 with FMA, or AVX-512 (F, BW, DQ, VL). A policy for the CPU
/// has a field of this type.
enum class host_isa : int { baseline, avx2, avx512 };

/// The instruction set that this translation unit is compiled for.
inline constexpr host_isa native_isa = host_isa::TILERY_HOST_ISA;

/// The size in bytes of the host's vector registers with this instruction set. Packs (pack.hpp) wider than this are
/// slow.
constexpr int vector_bytes(host_isa isa = native_isa) {
  return isa == host_isa::avx512 ? 64 : isa == host_isa::avx2 ? 32 : 16;
}

/// Returns the widest of these instruction sets that the CPU of the running program has. `native_isa`, for which this
/// translation unit is compiled, may be narrower.
inline host_isa running_isa() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return host_isa::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return host_isa::avx2;
#endif
  return host_isa::baseline;
}

}  // namespace tilery::inline TILERY_ABI
