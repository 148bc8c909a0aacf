// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The engine of asynchronous copies and barriers for a block of one lane: a copy is complete when the call returns, and
// a barrier does nothing. The atoms' host model calls this engine on the CPU. simt/virtual_engine.hpp is the virtual
// GPU's engine, and says what each function does there.
#pragma once
#pragma GCC system_header

#include <tilery/core/where.hpp>
#include <tilery/simt/tensor_model.hpp>

#include <cstddef>
#include <cstdint>

namespace tilery::inline TILERY_ABI {

struct immediate_engine {
  static void copy(void* to, const void* from, int bytes, int valid, where) {
    if (valid > 0) __builtin_memcpy(to, from, static_cast<std::size_t>(valid));
    __builtin_memset(static_cast<std::byte*>(to) + valid, 0, static_cast<std::size_t>(bytes - valid));
  }
  static void commit(where) {}
  static void wait(int, where) {}
  static void init(void*, int, where) {}
  static void invalidate(void*, where) {}
  static void arrive(void*, int, std::int64_t, where) {}
  static void wait_phase(void*, std::uint32_t, where) {}
  static void copy_bulk_in(void* to, const void* from, int bytes, void*, where) {
    __builtin_memcpy(to, from, static_cast<std::size_t>(bytes));
  }
  static void copy_bulk_out(void* to, const void* from, int bytes, where) {
    __builtin_memcpy(to, from, static_cast<std::size_t>(bytes));
  }
  static void commit_bulk(where) {}
  static void wait_bulk(int, bool, where) {}
  static void fence_proxy(where) {}
  static void named(int, int, bool, where) {}
  static void together(void*, warp_work, const char*, where) {}
};

}  // namespace tilery::inline TILERY_ABI
