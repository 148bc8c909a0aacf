// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Images with one to three spatial dimensions as images with three, for convolution and pooling: one kernel serves all
// ranks.
#pragma once
#pragma GCC system_header

#include <tilery/core/view.hpp>

namespace tilery::inline TILERY_ABI {

/// The value of the option `padding_after` that stands for "the same as padding".
inline constexpr std::int32_t as_before = -(1 << 30);

namespace ops {

/// A tensor (n, spatial..., c), or a filter (k, taps..., c), in three spatial dimensions.
template <class T>
using images_view = tensor_view<T, 5>;

/// Returns a tensor in three spatial dimensions: the missing ones, of extent 1, are inserted before its own.
template <class T, int Rank>
images_view<T> in_three_dimensions(const tensor_view<T, Rank>& v) {
  images_view<T> all;
  all.pointer = v.pointer;
  for (int d = 0; d < 5; ++d) {
    const int of = d == 0 ? 0 : d - 5 + Rank;
    all.extents[d] = of < (d == 0 ? 0 : 1) ? 1 : v.extents[of];
    all.strides[d] = of < (d == 0 ? 0 : 1) ? 0 : v.strides[of];
  }
  return all;
}

/// The name of spatial dimension d (0 to 2) of three.
constexpr const char* dimension_name(int d) { return d == 0 ? "depth" : d == 1 ? "height" : "width"; }

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
