// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A run-time check that the compiler keeps the order of additions. The exponential depends on this order: it rounds a
// number to an integer by adding a large constant and subtracting the constant again. Only clang needs the check: two
// of its options remove such a pair, and no macro tells that they are set (core/compiler.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>

namespace tilery::inline TILERY_ABI {

/// Throws if the compiler simplified (x + c) - c to x: the translation unit is then compiled with -fassociative-math or
/// -funsafe-math-optimizations. `executor` is the name with which the message begins.
inline void refuse_reordered_sums([[maybe_unused]] const char* executor, [[maybe_unused]] where at) {
#ifdef __clang__
  const volatile float from_memory = 1.75f;
  const float x = from_memory, constant = 12582912.0f;  // 1.5 * 2^23: 1.75 is rounded to 2
  if ((x + constant) - constant != 2.0f)
    throw error({executor,
                 ": this program is compiled with -fassociative-math or -funsafe-math-optimizations, which make "
                 "results wrong; compile it without them"},
                at);
#endif
}

}  // namespace tilery::inline TILERY_ABI
