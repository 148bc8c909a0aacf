// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Workspace of ops on a GPU. Each device has a memory pool of the library, which keeps its memory from launch to
// launch. The device's default pool would return unused memory to the driver at each synchronisation, unless the
// program has set its release threshold; the memory of the next op would then have to be mapped again.
#pragma once
#pragma GCC system_header

#include <tilery/core/buffer.hpp>
#include <tilery/simt/cuda_check.hpp>

#ifdef __CUDACC__

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// Returns the library's pool of a device; null for a device whose number is 64 or larger. The pool is created at the
/// first call and kept until the program ends. `cudaMemPoolTrimTo` returns the pool's unused memory to the driver.
inline cudaMemPool_t workspace_pool(int device, where at = {}) {
  constexpr int most = 64;
  static cudaMemPool_t pools[most] = {};
  if (device >= most) return nullptr;
  cudaMemPool_t pool = __atomic_load_n(&pools[device], __ATOMIC_ACQUIRE);
  if (pool) return pool;

  cudaMemPoolProps how = {};
  how.allocType = cudaMemAllocationTypePinned;
  how.location.type = cudaMemLocationTypeDevice;
  how.location.id = device;
  // The relaxed mode allows the calls below while a stream is being captured: the first op of a program may be
  // captured. None of the calls enqueues work.
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  check_cuda(cudaThreadExchangeStreamCaptureMode(&mode), "cudaThreadExchangeStreamCaptureMode", at);
  const cudaError_t made = cudaMemPoolCreate(&pool, &how);
  std::uint64_t kept = ~std::uint64_t{0};
  const cudaError_t set =
      made == cudaSuccess ? cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &kept) : cudaSuccess;
  (void)cudaThreadExchangeStreamCaptureMode(&mode);
  check_cuda(made, "cudaMemPoolCreate", at);
  if (set != cudaSuccess) (void)cudaMemPoolDestroy(pool);
  check_cuda(set, "cudaMemPoolSetAttribute", at);

  cudaMemPool_t first = nullptr;
  if (__atomic_compare_exchange_n(&pools[device], &first, pool, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return pool;
  (void)cudaMemPoolDestroy(pool);  // another thread has stored its pool first
  return first;
}

/// Allocates memory of the current device for an op, from the library's pool (the device's current pool if the library
/// has none for it). Allocation and release are in stream order.
inline allocation pooled_workspace(std::size_t bytes, cudaStream_t stream, where at = {}) {
  if (bytes == 0) return {};
  int device = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice", at);
  void* memory = nullptr;
  if (const cudaMemPool_t pool = workspace_pool(device, at))
    check_cuda(cudaMallocFromPoolAsync(&memory, bytes, pool, stream), "cudaMallocFromPoolAsync", at);
  else
    check_cuda(cudaMallocAsync(&memory, bytes, stream), "cudaMallocAsync", at);
  return {memory, bytes,
          [](void* p, std::size_t, void* on) noexcept { (void)cudaFreeAsync(p, static_cast<cudaStream_t>(on)); },
          stream};
}

}  // namespace tilery::inline TILERY_ABI

#endif
