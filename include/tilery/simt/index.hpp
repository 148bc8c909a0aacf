// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where a block stands in its grid.
#pragma once

#include <tilery/core/annotations.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// A position or an extent in the grid of blocks. x runs fastest; y and z end at 65535 on a GPU.
struct index3 {
  int x = 1, y = 1, z = 1;

  constexpr std::int64_t volume() const { return std::int64_t{x} * y * z; }
};

/// How many pieces of a size cover an extent.
SIMT constexpr int pieces(std::int64_t extent, int size) { return static_cast<int>((extent + size - 1) / size); }

/// The smaller and the larger of two numbers. (<algorithm> would add some 0.3 s to each unit under nvcc.)
template <class T>
SIMT constexpr T lesser(T a, T b) {
  return b < a ? b : a;
}
template <class T>
SIMT constexpr T greater(T a, T b) {
  return a < b ? b : a;
}

}  // namespace tilery::inline TILERY_ABI
