// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sqrt (math.hpp says what all functions have in common).
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/math_bits.hpp>

namespace tilery::inline TILERY_ABI {

namespace math {

/// The square root, correctly rounded (IEEE 754, to nearest).
struct sqrt {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
#ifdef __CUDA_ARCH__
    if constexpr (single<V>)
      return __fsqrt_rn(x);
    else
      return __dsqrt_rn(x);
#else
    if constexpr (std::is_same_v<V, float>) {
      return __builtin_sqrtf(x);
    } else if constexpr (std::is_same_v<V, double>) {
      return __builtin_sqrt(x);
    } else {
      V result;
#if defined(__AVX__)
      // g++ and clang 14 have no square root of native vectors. They do not vectorise a loop of sqrt() either, because
      // sqrt() may set errno.
      if constexpr (sizeof(V) >= 16 && sizeof(V) <= static_cast<std::size_t>(vector_bytes())) {
        if constexpr (single<V>)
          asm("vsqrtps %1, %0" : "=v"(result) : "v"(x));
        else
          asm("vsqrtpd %1, %0" : "=v"(result) : "v"(x));
        return result;
      }
#endif
      for (unsigned i = 0; i < sizeof(V) / sizeof(scalar<V>); ++i) result[i] = sqrt{}(static_cast<scalar<V>>(x[i]));
      return result;
    }
#endif
  }
};

}  // namespace math

/// sqrt(x) of each element of a pack of float or double.
template <class T, int N>
TILERY_SIMT pack<T, N> sqrt(pack<T, N> x) {
  return apply(math::sqrt{}, x);
}

}  // namespace tilery::inline TILERY_ABI
