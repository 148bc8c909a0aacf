// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tells if a pointer points to host or device memory. Only programs that include the CUDA executor (tilery/cuda.hpp)
// have device memory. cuda.hpp stores a function here that asks the driver, so that the CPU executor can refuse a
// device pointer without including headers of the CUDA runtime.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery {

/// A pointer to a function that returns the `memory_space` (below) of a pointer as an int. tilery/cuda.hpp sets this
/// variable; in programs without cuda.hpp it is null. It is outside of the namespace TILERY_ABI, so that the program
/// has one such variable, whatever archs its translation units are compiled for. Read and write it with the compiler's
/// atomic builtins: <atomic> would add 2 seconds to each translation unit under nvcc.
inline int (*ask_for_memory_space)(const void*) = nullptr;

}  // namespace tilery

namespace tilery::inline TILERY_ABI {

/// host: ordinary host memory. device: a GPU's memory. either: pinned or managed memory, which host and device can
/// access, or memory of an unknown kind.
enum class memory_space : int { host, device, either };

/// The name of a memory space in messages.
constexpr const char* name_of(memory_space space) {
  return space == memory_space::host ? "host" : space == memory_space::device ? "device" : "host or device";
}

/// Returns the memory space of a pointer; always `host` in programs without the CUDA executor.
inline memory_space space_of(const void* pointer) {
  const auto ask = __atomic_load_n(&ask_for_memory_space, __ATOMIC_ACQUIRE);
  return ask ? static_cast<memory_space>(ask(pointer)) : memory_space::host;
}

}  // namespace tilery::inline TILERY_ABI
