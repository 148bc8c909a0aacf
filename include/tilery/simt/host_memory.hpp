// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the two executors on the host share: aligned memory, copies, and scratch memory for ops.
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
  /// Every allocation begins at a multiple of this, a cache line and the widest vector.
  static constexpr std::size_t alignment = 64;

  static constexpr memory_space reachable() { return memory_space::host; }

  allocation allocate(std::size_t bytes) const {
    if (bytes == 0) return {};
    void* memory = ::operator new (bytes, std::align_val_t{alignment});
    return {memory, bytes,
            [](void* p, std::size_t, void*) noexcept { ::operator delete (p, std::align_val_t{alignment}); }};
  }
  /// Memory for the duration of an op.
  allocation workspace(std::size_t bytes, where = {}) const { return allocate(bytes); }
  void copy_bytes(void* to, const void* from, std::size_t bytes, where = {}) const { std::memcpy(to, from, bytes); }
  void zero_bytes(void* to, std::size_t bytes, where = {}) const { std::memset(to, 0, bytes); }

  /// Everything has happened when a call returns.
  void wait(where = {}) const {}
};

}  // namespace tilery::inline TILERY_ABI
