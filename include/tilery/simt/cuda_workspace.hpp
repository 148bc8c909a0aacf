// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scratch memory of ops on a GPU, from a pool of the library's own, one a device, that keeps what it has from launch to
// launch. The device's own pool gives unused memory back whenever somebody waits for the GPU, unless the program has
// told it otherwise, and then every op behind the wait has its memory mapped anew.
#pragma once
#pragma GCC system_header

#include <tilery/core/buffer.hpp>
#include <tilery/simt/cuda_check.hpp>

#ifdef __CUDACC__

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// The pool of a device, made when it is first asked for and kept until the program ends; null for a device that is not
/// among the first 64. `cudaMemPoolTrimTo` gives back what is not in use.
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
  // Nothing of this is enqueued: the first op may be one that is captured.
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
  (void)cudaMemPoolDestroy(pool);  // another thread was faster
  return first;
}

/// Memory of the current device for an op on a stream, taken and given back in the stream's order.
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
