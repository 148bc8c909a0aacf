// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Base class of the executors that run on the host: aligned memory, copies, and workspace for ops.
#pragma once
#pragma GCC system_header

#include <tilery/core/buffer.hpp>
#include <tilery/core/memory_space.hpp>

#include <cstring>
#include <new>

namespace tilery::inline TILERY_ABI {

/// Base of the executors whose operands are in host memory.
class host_memory {
public:
  /// Alignment of every allocation, in bytes: one cache line, and the widest vector register.
  static constexpr std::size_t alignment = 64;

  static constexpr memory_space reachable() { return memory_space::host; }

  allocation allocate(std::size_t bytes, where = {}) const {
    if (bytes == 0) return {};
    void* memory = ::operator new (bytes, std::align_val_t{alignment});
    return {memory, bytes,
            [](void* p, std::size_t, void*) noexcept { ::operator delete (p, std::align_val_t{alignment}); }};
  }
  /// Allocates memory that an op uses until it returns.
  allocation workspace(std::size_t bytes, where = {}) const { return allocate(bytes); }
  void copy_bytes(void* to, const void* from, std::size_t bytes, where = {}) const { std::memcpy(to, from, bytes); }
  void zero_bytes(void* to, std::size_t bytes, where = {}) const { std::memset(to, 0, bytes); }

  /// Does nothing: every call has finished its work when it returns.
  void wait(where = {}) const {}
};

}  // namespace tilery::inline TILERY_ABI
