// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The machines as data: what a block may use on each GPU arch, and how wide the host's vectors are.
// Source: CUDA C++ Programming Guide 13.0, "Compute Capabilities", tables of features and technical specifications.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI {

/// A machine that a policy can be written for. GPU archs are numbered as NVIDIA's compute capabilities.
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

/// What one arch allows.
struct arch_limits {
  arch id;
  const char* name;
  int threads_per_block;
  int threads_per_multiprocessor;
  int blocks_per_multiprocessor;
  int registers_per_multiprocessor;  // of 32 bits
  int shared_bytes_per_block;        // after opting in through the function attribute
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
    // One lane a block; `shared` stays on the stack of the host's thread.
    {arch::cpu, "cpu", 1, 1, 1, 0, 0, 0, 1},
};

/// The limits of an arch.
constexpr const arch_limits& limits(arch id) {
  for (const arch_limits& entry : all_arch_limits)
    if (entry.id == id) return entry;
  return all_arch_limits[0];
}

/// The newest arch in the table whose binaries a GPU of this compute capability (major * 10 + minor) can be told by.
constexpr arch arch_of(int compute_capability) {
  arch best = arch::sm_75;
  for (const arch_limits& entry : all_arch_limits)
    if (entry.id != arch::cpu && static_cast<int>(entry.id) <= compute_capability &&
        static_cast<int>(entry.id) > static_cast<int>(best))
      best = entry.id;
  return best;
}

/// The host's vector instructions, as this unit was compiled. Part of every CPU policy.
enum class host_isa : int { baseline, avx2, avx512 };

inline constexpr host_isa native_isa = host_isa::TILERY_HOST_ISA;

/// Bytes of one vector register of the host: packs wider than this are slow.
constexpr int vector_bytes(host_isa isa = native_isa) {
  return isa == host_isa::avx512 ? 64 : isa == host_isa::avx2 ? 32 : 16;
}

/// The widest instruction set of the CPU that the program runs on, to be compared with `native_isa`.
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
