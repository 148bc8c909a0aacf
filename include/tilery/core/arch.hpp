// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The archs as data: the limits of blocks and SMs on each GPU arch, and the vector width of the host.
// Source: CUDA C++ Programming Guide 13.0, "Compute Capabilities", tables of features and technical specifications.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI {

/// An arch that a policy can be written for. The value of a GPU arch is its compute capability, major * 10 + minor.
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

/// The hardware limits of one arch.
struct arch_limits {
  arch id;
  const char* name;
  int threads_per_block;
  int threads_per_multiprocessor;
  int blocks_per_multiprocessor;
  int registers_per_multiprocessor;  // of 32 bits each
  int shared_bytes_per_block;        // the maximum, which a kernel sets through its function attribute
  int shared_bytes_per_multiprocessor;
  int blocks_per_cluster;  // 1: the arch has no clusters
};

inline constexpr arch_limits all_arch_limits[] = {
    {arch::sm_75, "sm_75", 1024, 1024, 16, 65536, 64 * 1024, 64 * 1024, 1},
    {arch::sm_80, "sm_80", 1024, 2048, 32, 65536, 163 * 1024, 164 * 1024, 1},
    {arch::sm_86, "sm_86", 1024, 1536, 16, 65536, 99 * 1024, 100 * 1024, 1},
    {arch::sm_89, "sm_89", 1024, 1536, 24, 65536, 99 * 1024, 100 * 1024, 1},
    {arch::sm_90, "sm_90", 1024, 2048, 32, 65536, 227 * 1024, 228 * 1024, 16},
    {arch::sm_100, "sm_100", 1024, 2048, 32, 65536, 227 * 1024, 228 * 1024, 16},
    {arch::sm_120, "sm_120", 1024, 1536, 24, 65536, 99 * 1024, 100 * 1024, 8},
    // One lane per block. The kernel's `shared` struct is on the stack of the host thread.
    {arch::cpu, "cpu", 1, 1, 1, 0, 0, 0, 1},
};

/// Returns the limits of an arch; those of sm_75 for an arch that is not in the table.
constexpr const arch_limits& limits(arch id) {
  for (const arch_limits& entry : all_arch_limits)
    if (entry.id == id) return entry;
  return all_arch_limits[0];
}

/// Returns the newest GPU arch in the table that is not above a GPU's compute capability (major * 10 + minor), and
/// sm_75 for a GPU below all of them.
constexpr arch arch_of(int compute_capability) {
  arch best = arch::sm_75;
  for (const arch_limits& entry : all_arch_limits)
    if (entry.id != arch::cpu && static_cast<int>(entry.id) <= compute_capability &&
        static_cast<int>(entry.id) > static_cast<int>(best))
      best = entry.id;
  return best;
}

/// A vector instruction set of the host. Part of every CPU policy.
enum class host_isa : int { baseline, avx2, avx512 };

/// The instruction set that this translation unit is compiled for.
inline constexpr host_isa native_isa = host_isa::TILERY_HOST_ISA;

/// The size of a vector register of the host in bytes. Packs wider than this are slow.
constexpr int vector_bytes(host_isa isa = native_isa) {
  return isa == host_isa::avx512 ? 64 : isa == host_isa::avx2 ? 32 : 16;
}

/// Returns the widest instruction set of the CPU that the program runs on. `native_isa` may be narrower.
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
