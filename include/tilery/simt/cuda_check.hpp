// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A failure of the CUDA runtime as an exception with the API's own name, and the question where a pointer points.
#pragma once

#include <tilery/core/error.hpp>
#include <tilery/core/memory_space.hpp>

#ifdef __CUDACC__
#include <cuda_runtime_api.h>

namespace tilery::inline TILERY_ABI {

/// Throws where a call of the runtime failed, and clears the runtime's last error.
inline void check_cuda(cudaError_t result, const char* call, where at) {
  if (result == cudaSuccess) return;
  (void)cudaGetLastError();
  throw error(std::string(call) + " failed: " + cudaGetErrorName(result) + ", " + cudaGetErrorString(result), at);
}

/// The kind of memory a pointer is in, as the driver knows it.
inline memory_space cuda_space_of(const void* pointer) {
  cudaPointerAttributes attributes{};
  if (cudaPointerGetAttributes(&attributes, pointer) != cudaSuccess) {
    (void)cudaGetLastError();
    return memory_space::host;  // no device, hence no device memory
  }
  switch (attributes.type) {
    case cudaMemoryTypeDevice: return memory_space::device;
    case cudaMemoryTypeHost:
    case cudaMemoryTypeManaged: return memory_space::either;
    default: return memory_space::host;
  }
}

/// From here on every executor of this program asks the driver.
[[maybe_unused]] static const bool cuda_answers_for_space =
    (ask_for_memory_space.store([](const void* pointer) { return static_cast<int>(cuda_space_of(pointer)); }), true);

}  // namespace tilery
#endif
