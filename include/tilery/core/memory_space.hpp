// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which memory a pointer points to. Only a program that includes the CUDA executor has more than one kind; that header
// installs the question to the driver here, so that the CPU executor can refuse a device pointer without knowing CUDA.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery {

/// Says which memory a pointer is in, as a `memory_space`. Set by the CUDA executor's header, null in programs without
/// it. One for the whole program, whatever machine each unit was compiled for. (<atomic> would add 2 seconds to each
/// unit under nvcc: read and write it with the compiler's atomics.)
inline int (*ask_for_memory_space)(const void*) = nullptr;

}  // namespace tilery

namespace tilery::inline TILERY_ABI {

/// host: ordinary memory. device: a GPU's own. either: pinned or managed memory, or not known.
enum class memory_space : int { host, device, either };

constexpr const char* name_of(memory_space space) {
  return space == memory_space::host ? "host" : space == memory_space::device ? "device" : "shared";
}

/// The memory that a pointer is in; host where no driver can be asked.
inline memory_space space_of(const void* pointer) {
  const auto ask = __atomic_load_n(&ask_for_memory_space, __ATOMIC_ACQUIRE);
  return ask ? static_cast<memory_space>(ask(pointer)) : memory_space::host;
}

}  // namespace tilery::inline TILERY_ABI
