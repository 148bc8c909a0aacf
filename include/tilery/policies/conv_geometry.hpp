// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The geometry of a convolution: extents, stride, padding, dilation and groups, always in three spatial dimensions (a
// 2-D convolution is a 3-D one with a depth of 1). And the cut of a data gradient into residue classes: the pixels of x
// that the same taps read, because their coordinates are equal modulo the stride.
#pragma once
#pragma GCC system_header

#include <tilery/core/spatial.hpp>

namespace tilery::inline TILERY_ABI {

/// y[n, p, k] = sum over taps t and channels c of x[n, p stride - before + t dilation, c] w[k, t, c], for each group;
/// p, t and stride are triples (depth, height, width). x is 0 out of its bounds. If `flipped`, the filter's taps are
/// taken in reverse order in each dimension: the convolution of mathematics instead of a cross-correlation.
struct conv_geometry {
  std::int32_t images = 0, groups = 1;
  std::int32_t channels = 0, filters = 0;                      // of one group: channels of x, and channels of y
  spatial<3> in, out, taps;                                    // extents of x, of y and of the filter
  spatial<3> stride = 1, before = 0, after = 0, dilation = 1;  // before, after: padding in pixels of x
  bool flipped = false;

  /// Pixels of all images of x, and of y.
  constexpr std::int64_t pixels_in() const { return images * in.volume(); }
  constexpr std::int64_t pixels_out() const { return images * out.volume(); }
};

/// The extent of y in one dimension, floor((in + before + after - dilation (taps - 1) - 1) / stride) + 1, or 0 if the
/// filter is larger than the padded input.
constexpr std::int64_t conv_extent(std::int64_t in, std::int64_t before, std::int64_t after, std::int64_t dilation,
                                   std::int64_t taps, std::int64_t stride) {
  const std::int64_t room = in + before + after - dilation * (taps - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

/// A walk over one dimension of a gathered tensor: for pixel i and tap j of a product, it reads the coordinate
/// i * step + origin + j * tap_step, which may be out of bounds.
struct conv_walk {
  std::int32_t step = 1, origin = 0, tap_step = 0;
};

/// One residue class of a data gradient in one dimension: the coordinates h = first + i stride of x, for i < count. The
/// taps that read them are the taps first_tap + j tap_stride of the filter, for j < taps. Coordinate i is read by tap j
/// when the coordinate i walk.step + walk.origin + j walk.tap_step of y is computed. A class without taps (a stride
/// that shares a factor with the dilation has such classes) has a gradient of 0.
struct conv_residue {
  std::int32_t first = 0, count = 0;
  std::int32_t first_tap = 0, tap_stride = 1, taps = 0;
  conv_walk walk;
};

/// Returns the residue class of the coordinates `first`, first + stride, ... of dimension d, 0 <= first < stride.
///
/// Formula. Tap r reads h when p = (h + before - r dilation) / stride of y is computed, if p is a whole number. With a
/// = gcd(stride, dilation) and T = stride / a, the taps that read h are r0, r0 + T, ... for one r0 < T, or none; from
/// one of these taps to the next, p falls by dilation / a.
constexpr conv_residue residue_of(const conv_geometry& g, int d, std::int32_t first) {
  const std::int32_t stride = g.stride[d], dilation = g.dilation[d];
  conv_residue c;
  c.first = first;
  c.count = first < g.in[d] ? (g.in[d] - first + stride - 1) / stride : 0;
  std::int32_t a = stride, b = dilation;
  while (b != 0) {
    const std::int32_t rest = a % b;
    a = b, b = rest;
  }
  c.tap_stride = stride / a;
  for (std::int32_t r = 0; r < c.tap_stride && r < g.taps[d]; ++r) {
    const std::int64_t p = std::int64_t{first} + g.before[d] - std::int64_t{r} * dilation;
    if (p % stride != 0) continue;
    c.first_tap = r;
    c.taps = (g.taps[d] - r + c.tap_stride - 1) / c.tap_stride;
    c.walk = {1, static_cast<std::int32_t>(p / stride), -(dilation / a)};
    break;
  }
  return c;
}

/// Returns the walk of the convolution itself, from pixels of y to coordinates of x.
constexpr conv_walk forward_walk(const conv_geometry& g, int d) { return {g.stride[d], -g.before[d], g.dilation[d]}; }

}  // namespace tilery::inline TILERY_ABI
