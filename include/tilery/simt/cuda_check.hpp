// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A failure of the CUDA runtime as an exception with the API's own name, and the question where a pointer points.
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>
#include <tilery/core/memory_space.hpp>

#ifdef __CUDACC__
#include <cuda_runtime_api.h>

namespace tilery::inline TILERY_ABI {

/// Throws where a call of the runtime failed, and clears the runtime's last error.
inline void check_cuda(cudaError_t result, const char* call, where at) {
  if (result == cudaSuccess) return;
  (void)cudaGetLastError();
  throw error({call, " failed: ", cudaGetErrorName(result), ", ", cudaGetErrorString(result)}, at);
}

/// The kind of memory a pointer is in, as the driver knows it.
inline memory_space cuda_space_of(const void* pointer) {
  cudaPointerAttributes attributes{};
  const cudaError_t result = cudaPointerGetAttributes(&attributes, pointer);
  if (result != cudaSuccess) {
    (void)cudaGetLastError();
    const bool no_device =
        result == cudaErrorNoDevice || result == cudaErrorInsufficientDriver || result == cudaErrorInvalidValue;
    return no_device ? memory_space::host : memory_space::either;  // an earlier kernel's error: the launch will name it
  }
  switch (attributes.type) {
    case cudaMemoryTypeDevice: return memory_space::device;
    case cudaMemoryTypeHost:
    case cudaMemoryTypeManaged: return memory_space::either;
    default: return memory_space::host;
  }
}

/// From here on every executor of this program asks the driver.
[[maybe_unused]] static const bool cuda_answers_for_space = [] {
  int (*const answer)(const void*) = [](const void* pointer) { return static_cast<int>(cuda_space_of(pointer)); };
  __atomic_store_n(&ask_for_memory_space, answer, __ATOMIC_RELEASE);
  return true;
}();

}  // namespace tilery::inline TILERY_ABI
#endif
