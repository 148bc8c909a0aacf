// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Streaming stores of the CPU: they write whole cache lines to memory without reading them first. For an output that is
// larger than the caches this saves a third of the memory traffic of a read and a write.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

/// Stores a pack with streaming stores, where the instruction set has them for its size, else as usual. The address
/// must be a multiple of the pack's size. The stores of a cache line should follow each other. Before other threads may
/// read the elements, the storing thread must call end_streams().
template <class T, int N>
void stream(gmem_ptr<T> to, const pack<T, N>& values) {
  constexpr int bytes = N * static_cast<int>(sizeof(T));
#if defined(__x86_64__)
  if constexpr (bytes == 16 || bytes == 32 || bytes == 64) {
    const auto words = reinterpret<pack<float, bytes / 4>>(values);
#if defined(__clang__)
    __builtin_nontemporal_store(words.native, reinterpret_cast<decltype(words.native)*>(to.raw()));
    return;
#else
    float* const raw = reinterpret_cast<float*>(to.raw());
    if constexpr (bytes == 16) return __builtin_ia32_movntps(raw, words.native);
#if defined(__AVX__)
    if constexpr (bytes == 32) return __builtin_ia32_movntps256(raw, words.native);
#endif
#if defined(__AVX512F__)
    if constexpr (bytes == 64) return __builtin_ia32_movntps512(raw, words.native);
#endif
#endif
  }
#endif
  __builtin_memcpy(static_cast<void*>(to.raw()), &values, sizeof(values));
}

/// Orders the streaming stores of this thread before its later stores.
inline void end_streams() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

}  // namespace tilery::inline TILERY_ABI
