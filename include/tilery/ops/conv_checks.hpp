// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The options of a convolution, and the checks of its shapes. All ranks are checked in three spatial dimensions: the
// missing ones have an extent of 1.
#pragma once
#pragma GCC system_header

#include <tilery/core/spatial.hpp>
#include <tilery/ops/gemm_checks.hpp>
#include <tilery/ops/three_dimensions.hpp>
#include <tilery/policies/conv_geometry.hpp>

namespace tilery::inline TILERY_ABI {

/// The options of a convolution with N spatial dimensions. Each is one number for all dimensions, or a list in the
/// order of the view's dimensions: {.stride = 2}, {.padding = {1, 0}}.
template <int N>
struct conv_options {
  spatial<N> stride = 1;                 ///< pixels of x from one pixel of y to the next
  spatial<N> padding = 0;                ///< zeros before the first pixel of x
  spatial<N> padding_after = as_before;  ///< zeros after the last pixel of x; if not given, as many as before
  spatial<N> dilation = 1;               ///< pixels of x from one tap to the next; 1: the taps are neighbours
  std::int32_t groups = 1;  ///< channels of y in group g are computed from the channels of x in group g alone
  bool flipped = false;     ///< take the taps in reverse order: a true convolution, not a cross-correlation
};

namespace ops {

/// The names of an op and of its tensors in error messages: x and y are the images with the extents of the
/// convolution's input and output, whichever of them the op writes. `prefix` is the op's name with a colon and a space.
struct conv_names {
  const char *op, *prefix, *x, *w, *y;
};

/// Returns the geometry of a convolution from its options and from the shapes of x, w and y, which are not checked yet.
template <int N, class X, class W, class Y>
conv_geometry geometry_of(const conv_options<N>& o, const images_view<X>& x, const images_view<W>& w,
                          const images_view<Y>& y) {
  conv_geometry g;
  g.images = x.extents[0], g.groups = o.groups;
  g.channels = w.extents[4], g.filters = o.groups > 0 ? w.extents[0] / o.groups : 0;
  for (int d = 0; d < 3; ++d)
    g.in.of[d] = x.extents[d + 1], g.out.of[d] = y.extents[d + 1], g.taps.of[d] = w.extents[d + 1];
  g.stride = o.stride.in_three(1), g.dilation = o.dilation.in_three(1);
  g.before = o.padding.in_three(0), g.after = o.padding_after.in_three(0);
  for (int d = 0; d < 3; ++d)
    if (g.after[d] == as_before) g.after.of[d] = g.before[d];
  g.flipped = o.flipped;
  return g;
}

/// Checks the options of a convolution in the N dimensions that the op has.
inline finding check_conv_options(const conv_geometry& g, int n) {
  if (g.groups < 1) return {"groups is ", g.groups, "; it must be at least 1"};
  for (int d = 3 - n; d < 3; ++d) {
    const char* of = dimension_name(d);
    if (g.stride[d] < 1) return {"the stride of the ", of, " is ", g.stride[d], "; it must be at least 1"};
    if (g.dilation[d] < 1)
      return {"the dilation of the ", of, " is ", g.dilation[d], "; it must be at least 1, which means no gaps"};
    if (g.before[d] < 0 || g.after[d] < 0)
      return {sentence("the padding of the ", of, " is ", g.before[d], " before and "), g.after[d],
              " after; it must not be negative"};
  }
  return {};
}

/// Checks the pixels of one image, or the taps of one filter, before anything is computed from their number.
inline finding check_volume(const char* name, const spatial<3>& extents, const char* what) {
  const double volume = static_cast<double>(extents[0]) * extents[1] * extents[2];
  if (volume <= largest_extent) return {};
  return {sentence(name, " has ", extents[0], " x ", extents[1], " x ", extents[2], what), "; there must be at most ",
          largest_extent};
}

/// Checks that y has the extent that the formula gives in spatial dimension d.
inline finding check_conv_extent(const conv_names& names, const conv_geometry& g, int d) {
  const char* of = dimension_name(d);
  const std::int64_t padded = std::int64_t{g.in[d]} + g.before[d] + g.after[d],
                     spanned = std::int64_t{g.dilation[d]} * (g.taps[d] - 1) + 1;
  if (padded > largest_extent || spanned > largest_extent)
    return {sentence("the padded ", of, " of ", names.x, " is ", padded, " and the filter spans ", spanned),
            "; both must be at most ", largest_extent};
  if (spanned > padded)
    return {sentence("the filter spans dilation (taps - 1) + 1 = ", spanned, " in the ", of, ", but ", names.x),
            " has only in + padding before + padding after = ", padded, "; the filter must fit the padded input"};
  const std::int64_t right = conv_extent(g.in[d], g.before[d], g.after[d], g.dilation[d], g.taps[d], g.stride[d]);
  if (g.out[d] != right)
    return {sentence("the ", of, " of ", names.y, " is ", g.out[d], "; it must be ", right,
                     " = floor((in + padding before + padding after - dilation (taps - 1) - 1) / stride) + 1 = "),
            sentence("floor((", g.in[d], " + ", g.before[d], " + ", g.after[d], " - ", g.dilation[d]),
            sentence(" (", g.taps[d], " - 1) - 1) / ", g.stride[d], ") + 1")};
  return {};
}

/// Checks the shapes of a convolution with n spatial dimensions. The caller puts the op's name before the finding.
template <class X, class W, class Y>
finding check_conv_shapes(const conv_names& names, const conv_geometry& g, int n, const images_view<X>& x,
                          const images_view<W>& w, const images_view<Y>& y) {
  if (auto found = check_conv_options(g, n)) return found;
  if (y.extents[0] != x.extents[0])
    return {sentence(names.x, " has ", x.extents[0], " images and ", names.y, " has ", y.extents[0]),
            "; the numbers must be equal"};
  if (x.extents[4] % g.groups != 0)
    return {sentence(names.x, " has ", x.extents[4], " channels; groups = "), g.groups, " must divide their number"};
  if (w.extents[0] % g.groups != 0)
    return {sentence(names.w, " has ", w.extents[0], " filters; groups = "), g.groups, " must divide their number"};
  if (w.extents[4] != x.extents[4] / g.groups)
    return {sentence(names.w, " has ", w.extents[4], " channels; it must have ", x.extents[4] / g.groups),
            ", the channels of ", names.x, " divided by the groups"};
  if (y.extents[4] != w.extents[0])
    return {sentence(names.y, " has ", y.extents[4], " channels; it must have ", w.extents[0]),
            ", one for each filter of ", names.w};
  for (int d = 3 - n; d < 3; ++d) {
    if (g.in[d] == 0) return {"the ", dimension_name(d), " of ", names.x, " is 0; an image must have pixels"};
    if (g.taps[d] == 0) return {"the ", dimension_name(d), " of ", names.w, " is 0; a filter must have taps"};
  }
  for (int d = 3 - n; d < 3; ++d)
    if (auto found = check_conv_extent(names, g, d)) return found;
  if (auto found = check_volume(names.x, g.in, " pixels in one image")) return found;
  if (auto found = check_volume(names.y, g.out, " pixels in one image")) return found;
  if (auto found = check_volume(names.w, g.taps, " taps in one filter")) return found;
  const std::int64_t columns = g.taps.volume() * greater(g.channels, 1);
  if (g.pixels_in() > largest_extent || g.pixels_out() > largest_extent)
    return {sentence(names.x, " has ", g.pixels_in(), " pixels in all images and ", names.y, " has ", g.pixels_out()),
            "; both must have at most ", largest_extent, ": divide the images among several calls"};
  if (columns > largest_extent)
    return {sentence("a filter has ", columns, " taps times channels; it must have at most "), largest_extent};
  return {};
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
