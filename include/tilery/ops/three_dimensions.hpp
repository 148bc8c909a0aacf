// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tensors of images in one and two spatial dimensions, viewed as tensors in three: one kernel serves all ranks.
#pragma once
#pragma GCC system_header

#include <tilery/core/view.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns a view (n, spatial..., c) of rank 3 to 5 as one of rank 5, (n, d, h, w, c): missing dimensions have
/// extent 1. A filter (k, taps..., c) is viewed in the same way.
template <class T, int Rank>
tensor_view<T, 5> in_three_dimensions(const tensor_view<T, Rank>& v) {
  static_assert(Rank >= 3 && Rank <= 5, "a tensor of pixels must have 3 to 5 dimensions: n, 1 to 3 in space, c");
  tensor_view<T, 5> all;
  all.pointer = v.pointer;
  all.extents[0] = v.extents[0], all.strides[0] = v.strides[0];
  for (int d = 1; d < 5; ++d) {
    const int from = d - (5 - Rank);
    all.extents[d] = from >= 1 ? v.extents[from] : 1;
    all.strides[d] = from >= 1 ? v.strides[from] : 0;
  }
  return all;
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
