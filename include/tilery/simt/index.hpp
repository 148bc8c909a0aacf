// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where a block stands in its grid.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>

namespace tilery::inline TILERY_ABI {

/// A position or an extent in the grid of blocks. x runs fastest; y and z end at 65535 on a GPU.
struct index3 {
  int x = 1, y = 1, z = 1;

  constexpr std::int64_t volume() const { return std::int64_t{x} * y * z; }
};

}  // namespace tilery::inline TILERY_ABI
