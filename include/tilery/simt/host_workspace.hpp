// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Workspace of ops on the host: each thread keeps its memory from call to call. Fresh memory costs a page fault for
// every 4 KiB, which takes as long as packing a matrix into it.
#pragma once
#pragma GCC system_header

#include <tilery/core/buffer.hpp>

#include <new>

namespace tilery::inline TILERY_ABI {

/// Returns `bytes` bytes or more, aligned to a cache line (64 bytes). The calling thread must itself release the
/// allocation, at the end of the op.
///
/// Kept memory. A thread keeps two blocks of at most 64 MiB each for its next ops: one op can use two at once. A larger
/// block, or a third one at once, is allocated and freed as usual. So is a block that the destructor of another object
/// requests after the kept blocks are destroyed, at the end of the thread or of the program.
inline allocation kept_workspace(std::size_t bytes) {
  static constexpr std::align_val_t alignment{64};
  struct kept_block {
    void* memory = nullptr;
    std::size_t bytes = 0;
    bool in_use = false;
  };
  struct kept_blocks {
    kept_block both[2];
    bool* gone;
    ~kept_blocks() {
      *gone = true;
      for (kept_block& b : both)
        if (!b.in_use)
          ::operator delete(b.memory, alignment);  // else exit() was called inside an op, whose other threads go on
    }
  };
  static thread_local bool gone = false;  // has no destructor: it can be read until the thread ends
  const auto unkept = [bytes]() -> allocation {
    return {::operator new(bytes, alignment), bytes,
            [](void* p, std::size_t, void*) noexcept { ::operator delete(p, alignment); }};
  };
  if (bytes == 0) return {};
  if (gone || bytes > (std::size_t{64} << 20)) return unkept();
  static thread_local kept_blocks blocks{{}, &gone};
  kept_block& kept = blocks.both[blocks.both[0].in_use ? 1 : 0];
  if (kept.in_use) return unkept();
  if (kept.bytes < bytes) {
    ::operator delete(kept.memory, alignment);
    kept.memory = nullptr, kept.bytes = 0;  // in case the next line throws
    kept.memory = ::operator new(bytes, alignment);
    kept.bytes = bytes;
  }
  kept.in_use = true;
  return {kept.memory, bytes,
          [](void*, std::size_t, void* block) noexcept { static_cast<kept_block*>(block)->in_use = false; }, &kept};
}

}  // namespace tilery::inline TILERY_ABI
