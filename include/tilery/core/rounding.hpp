// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A check at run time that the compiler has kept additions in their order: the exponential rounds by adding and
// subtracting one constant. Only for clang, which has options that drop the pair and no macro that tells of them
// (core/compiler.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>

namespace tilery::inline TILERY_ABI {

/// Throws where (x + c) - c has become x: the unit is compiled with -fassociative-math or -funsafe-math-optimizations.
inline void refuse_reordered_sums([[maybe_unused]] const char* executor, [[maybe_unused]] where at) {
#ifdef __clang__
  const volatile float from_memory = 1.75f;
  const float x = from_memory, constant = 12582912.0f;  // 1.5 * 2^23
  if ((x + constant) - constant != 2.0f)
    throw error({executor,
                 ": this program is compiled with -fassociative-math or -funsafe-math-optimizations, which make "
                 "results wrong; compile it without them"},
                at);
#endif
}

}  // namespace tilery::inline TILERY_ABI
