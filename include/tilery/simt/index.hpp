// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A three-dimensional index or extent, in blocks of a grid.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>

namespace tilery::inline TILERY_ABI {

/// A block's index in the grid, or the grid's size in blocks. x varies fastest. On a GPU, a grid has at most 65535
/// blocks along y and along z.
struct index3 {
  int x = 1, y = 1, z = 1;

  constexpr std::int64_t volume() const { return std::int64_t{x} * y * z; }
};

}  // namespace tilery::inline TILERY_ABI
