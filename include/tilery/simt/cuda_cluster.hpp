// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The instructions of thread-block clusters, sm_90 and later: a block's rank in its cluster, the cluster's barrier, and
// accesses to the shared memory of the cluster's other blocks. Source: PTX ISA 8.5, "mapa", "ld", "st",
// "barrier.cluster". The bodies are compiled in the device pass only.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#ifdef __CUDACC__

namespace tilery::inline TILERY_ABI::cuda_cluster {

/// Returns the rank of this block in its cluster.
TILERY_SIMT int rank() {
  unsigned result = 0;
#ifdef __CUDA_ARCH__
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(result));
#endif
  return static_cast<int>(result);
}
/// Returns the number of blocks in the cluster.
TILERY_SIMT int size() {
  unsigned result = 1;
#ifdef __CUDA_ARCH__
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(result));
#endif
  return static_cast<int>(result);
}

/// Waits until all lanes of the cluster have arrived: accesses before the barrier are visible to all lanes of the
/// cluster after it. All lanes of a warp must call it together.
TILERY_SIMT void sync() {
#ifdef __CUDA_ARCH__
  asm volatile(
      "barrier.cluster.arrive.release.aligned;\n"
      "barrier.cluster.wait.acquire.aligned;" ::
          : "memory");
#endif
}

/// Maps an address in this block's shared memory to the same offset in the shared memory of the cluster's block `rank`.
/// Returns an address in the cluster's window (.shared::cluster).
TILERY_SIMT unsigned map([[maybe_unused]] const void* mine, [[maybe_unused]] int rank) {
  unsigned result = 0;
#ifdef __CUDA_ARCH__
  const auto here = static_cast<unsigned>(__cvta_generic_to_shared(mine));
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(result) : "r"(here), "r"(rank));
#endif
  return result;
}

// load: one overload for each width, 1 to 16 bytes. `address` comes from map(). PTX has no 8-bit registers: a byte is
// loaded into 32 bits, and stored from them.
TILERY_SIMT void load([[maybe_unused]] unsigned address, [[maybe_unused]] unsigned char& word) {
#ifdef __CUDA_ARCH__
  unsigned wide;
  asm volatile("ld.shared::cluster.u8 %0, [%1];" : "=r"(wide) : "r"(address) : "memory");
  word = static_cast<unsigned char>(wide);
#endif
}
TILERY_SIMT void load([[maybe_unused]] unsigned address, [[maybe_unused]] unsigned short& word) {
#ifdef __CUDA_ARCH__
  asm volatile("ld.shared::cluster.u16 %0, [%1];" : "=h"(word) : "r"(address) : "memory");
#endif
}
TILERY_SIMT void load([[maybe_unused]] unsigned address, [[maybe_unused]] unsigned& word) {
#ifdef __CUDA_ARCH__
  asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(word) : "r"(address) : "memory");
#endif
}
TILERY_SIMT void load([[maybe_unused]] unsigned address, [[maybe_unused]] uint2& word) {
#ifdef __CUDA_ARCH__
  asm volatile("ld.shared::cluster.v2.u32 {%0, %1}, [%2];" : "=r"(word.x), "=r"(word.y) : "r"(address) : "memory");
#endif
}
TILERY_SIMT void load([[maybe_unused]] unsigned address, [[maybe_unused]] uint4& word) {
#ifdef __CUDA_ARCH__
  asm volatile("ld.shared::cluster.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(word.x), "=r"(word.y), "=r"(word.z), "=r"(word.w)
               : "r"(address)
               : "memory");
#endif
}

// store: the same widths and addresses as load.
TILERY_SIMT void store([[maybe_unused]] unsigned address, [[maybe_unused]] unsigned char word) {
#ifdef __CUDA_ARCH__
  asm volatile("st.shared::cluster.u8 [%0], %1;" ::"r"(address), "r"(static_cast<unsigned>(word)) : "memory");
#endif
}
TILERY_SIMT void store([[maybe_unused]] unsigned address, [[maybe_unused]] unsigned short word) {
#ifdef __CUDA_ARCH__
  asm volatile("st.shared::cluster.u16 [%0], %1;" ::"r"(address), "h"(word) : "memory");
#endif
}
TILERY_SIMT void store([[maybe_unused]] unsigned address, [[maybe_unused]] unsigned word) {
#ifdef __CUDA_ARCH__
  asm volatile("st.shared::cluster.u32 [%0], %1;" ::"r"(address), "r"(word) : "memory");
#endif
}
TILERY_SIMT void store([[maybe_unused]] unsigned address, [[maybe_unused]] uint2 word) {
#ifdef __CUDA_ARCH__
  asm volatile("st.shared::cluster.v2.u32 [%0], {%1, %2};" ::"r"(address), "r"(word.x), "r"(word.y) : "memory");
#endif
}
TILERY_SIMT void store([[maybe_unused]] unsigned address, [[maybe_unused]] uint4 word) {
#ifdef __CUDA_ARCH__
  asm volatile("st.shared::cluster.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(word.x), "r"(word.y),
               "r"(word.z), "r"(word.w)
               : "memory");
#endif
}

}  // namespace tilery::inline TILERY_ABI::cuda_cluster

#endif
