// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arithmetic with extents (numbers of elements along a dimension), on the host and in kernels.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// The number of pieces of `size` elements that cover an extent: extent / size, rounded up.
TILERY_SIMT constexpr int pieces(std::int64_t extent, int size) { return static_cast<int>((extent + size - 1) / size); }

/// The smaller of two numbers. (std::min needs <algorithm>, which adds about 0.3 s to each translation unit under
/// nvcc.)
template <class T>
TILERY_SIMT constexpr T lesser(T a, T b) {
  return b < a ? b : a;
}
/// The larger of two numbers.
template <class T>
TILERY_SIMT constexpr T greater(T a, T b) {
  return a < b ? b : a;
}

}  // namespace tilery::inline TILERY_ABI
