// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns a failure of the CUDA runtime into an exception with CUDA's name of the error, and asks the driver for the kind
// of memory that a pointer points to.
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>
#include <tilery/core/memory_space.hpp>

#ifdef __CUDACC__
#include <cuda_runtime_api.h>

namespace tilery::inline TILERY_ABI {

/// Throws if `result` says that a call of the CUDA runtime failed, and clears the runtime's last error.
inline void check_cuda(cudaError_t result, const char* call, where at) {
  if (result == cudaSuccess) return;
  (void)cudaGetLastError();
  throw error({call, " failed: ", cudaGetErrorName(result), ", ", cudaGetErrorString(result)}, at);
}

/// Returns the kind of memory that a pointer points to, as the driver reports it: `either` for pinned and managed
/// memory, `host` for all other host memory. Returns `host` if there is no device, and `either` if the driver cannot
/// answer because an earlier kernel failed.
inline memory_space cuda_space_of(const void* pointer) {
  cudaPointerAttributes attributes{};
  const cudaError_t result = cudaPointerGetAttributes(&attributes, pointer);
  if (result != cudaSuccess) {
    (void)cudaGetLastError();
    const bool no_device =
        result == cudaErrorNoDevice || result == cudaErrorInsufficientDriver || result == cudaErrorInvalidValue;
    return no_device ? memory_space::host : memory_space::either;  // an earlier kernel failed: the launch reports that
  }
  switch (attributes.type) {
    case cudaMemoryTypeDevice: return memory_space::device;
    case cudaMemoryTypeHost:
    case cudaMemoryTypeManaged: return memory_space::either;
    default: return memory_space::host;
  }
}

/// The initialisation of this object stores a function that asks the driver for the memory space of a pointer. From
/// then on every executor of the program calls this function.
[[maybe_unused]] static const bool cuda_answers_for_space = [] {
  int (*const answer)(const void*) = [](const void* pointer) { return static_cast<int>(cuda_space_of(pointer)); };
  __atomic_store_n(&ask_for_memory_space, answer, __ATOMIC_RELEASE);
  return true;
}();

}  // namespace tilery::inline TILERY_ABI
#endif
