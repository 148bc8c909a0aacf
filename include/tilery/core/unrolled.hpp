// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loops of the CPU's kernels that must be unrolled although their body has branches. TILERY_UNROLL is a request: g++
// unrolls a loop after it has decided which arrays can be registers, and nested loops with branches not at all.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <utility>

namespace tilery::inline TILERY_ABI {

/// Calls body(0), body(1), ... body(N - 1), without a loop. The body is a lambda of one int that is marked with
/// TILERY_INLINED, so that the number is a constant in it; `return` is the loop's `continue`.
template <int N, class Body>
TILERY_INLINED inline void unrolled(const Body& body) {
#ifdef TILERY_KEEP_LOOPS
  for (int i = 0; i < N; ++i) body(i);
#else
  [&]<int... Index>(std::integer_sequence<int, Index...>) TILERY_INLINED { (body(Index), ...); }
  (std::make_integer_sequence<int, N>());
#endif
}

}  // namespace tilery::inline TILERY_ABI
