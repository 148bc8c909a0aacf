// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Streaming stores of the CPU: they write whole cache lines to memory without reading them first. For an output that is
// larger than the caches this saves the read of each line.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

/// Stores Bytes bytes at `to`, which is a multiple of Bytes: by a streaming store, where the instruction set has one of
/// this size, else as usual. (The vectors have literal sizes, and are no packs: nvcc's device pass, which compiles
/// these functions too, knows a pack as an array.)
template <int Bytes>
void stream_bytes(void* to, const void* from) {
  __builtin_memcpy(to, from, Bytes);
}
#if defined(__x86_64__) && !defined(__clang__)
template <>
inline void stream_bytes<16>(void* to, const void* from) {
  typedef float vector __attribute__((vector_size(16)));
  vector words;
  __builtin_memcpy(&words, from, 16);
  __builtin_ia32_movntps(static_cast<float*>(to), words);
}
#if defined(__AVX__)
template <>
inline void stream_bytes<32>(void* to, const void* from) {
  typedef float vector __attribute__((vector_size(32)));
  vector words;
  __builtin_memcpy(&words, from, 32);
  __builtin_ia32_movntps256(static_cast<float*>(to), words);
}
#endif
#if defined(__AVX512F__)
template <>
inline void stream_bytes<64>(void* to, const void* from) {
  typedef float vector __attribute__((vector_size(64)));
  vector words;
  __builtin_memcpy(&words, from, 64);
  __builtin_ia32_movntps512(static_cast<float*>(to), words);
}
#endif
#endif

/// Stores a pack with a streaming store, where there is one of its size. The address must be a multiple of the pack's
/// size, and the stores of a cache line should follow each other. Before other threads may read the elements, the
/// storing thread must call end_streams().
template <class T, int N>
void stream(gmem_ptr<T> to, const pack<T, N>& values) {
#if defined(__clang__) && defined(__x86_64__)
  using vector = std::remove_cvref_t<decltype(values.native)>;
  __builtin_nontemporal_store(values.native, reinterpret_cast<vector*>(to.raw()));
#else
  stream_bytes<N* static_cast<int>(sizeof(T))>(to.raw(), &values);
#endif
}

/// Orders the streaming stores of this thread before its later stores.
inline void end_streams() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

}  // namespace tilery::inline TILERY_ABI
