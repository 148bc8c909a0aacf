// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The shapes of pooling: the options of a pooling in three dimensions, the number of windows, and the checks of both
// with their sentences.
#pragma once
#pragma GCC system_header

#include <tilery/core/spatial.hpp>
#include <tilery/ops/pixels.hpp>
#include <tilery/tile/pool_axis.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The options of a pooling in three dimensions. The last `dimensions` dimensions are the caller's; in each other
/// dimension the window is 1.
struct pool_geometry {
  int dimensions;
  spatial<3> window, stride, before, after, dilation;
  bool ceil_mode = false, counts_padding = false;

  /// The elements of the input that a window spans.
  std::int64_t reach(int d) const { return (std::int64_t{window[d]} - 1) * dilation[d] + 1; }

  /// The number of windows over `extent` elements.
  std::int64_t windows(int d, std::int64_t extent) const {
    const std::int64_t steps = extent + before[d] + after[d] - reach(d);
    std::int64_t count = (ceil_mode ? (steps + stride[d] - 1) / stride[d] : steps / stride[d]) + 1;
    if (ceil_mode && (count - 1) * stride[d] >= extent + before[d]) --count;
    return count;
  }
};

/// Checks the options against the extents of the input, whose name is `input`. Returns a sentence if a number is out of
/// its range, or if a window does not fit in the padded input.
inline finding check_geometry(const char* op, const char* input, const pool_geometry& g, const spatial<3>& extents) {
  for (int d = 3 - g.dimensions; d < 3; ++d) {
    const char* const name = dimension_name(d);
    const std::int64_t extent = extents[d];
    if (g.window[d] < 1) return {op, ": the window's ", name, " is ", g.window[d], "; it must be at least 1"};
    if (g.stride[d] < 1)
      return {op,          ": the stride along the ",
              name,        " is ",
              g.stride[d], "; it must be at least 1, or -1 for that of the window"};
    if (g.dilation[d] < 1)
      return {op, ": the dilation along the ", name, " is ", g.dilation[d], "; it must be at least 1"};
    for (const auto& [padding, side] : {std::pair(g.before[d], "before"), std::pair(g.after[d], "after")})
      if (padding < 0 || padding >= g.reach(d))
        return {sentence(op, ": the padding ", side, " the ", name, " is ", padding),
                sentence("; it must be at least 0 and less than the ", g.reach(d)),
                " elements that a window spans, because a window must not consist of padding"};
    if (extent < 1) return {op, ": the ", name, " of ", input, " is 0; it must be at least 1"};
    const std::int64_t padded = extent + g.before[d] + g.after[d];
    if (padded > largest_extent)
      return {sentence(op, ": the ", name, " of ", input, " with its padding is ", padded), "; it must be at most ",
              largest_extent};
    if (g.reach(d) > padded)
      return {sentence(op, ": a window spans ", g.reach(d), " elements of the ", name),
              sentence(", (window - 1) * dilation + 1, but ", input, " has ", padded),
              " with its padding; the window must fit"};
  }
  return {};
}

/// Checks that the pooled operand has n and c of the input, and as many pixels as there are windows.
inline finding check_pooled(const char* op, const operand& input, const operand& pooled, const pool_geometry& g,
                            const spatial<3>& extents) {
  operand wanted = input;
  for (int d = 3 - g.dimensions; d < 3; ++d) wanted.extents[d - (3 - g.dimensions) + 1] = g.windows(d, extents[d]);
  bool same = true;
  for (int d = 0; d < input.rank; ++d) same = same && pooled.extents[d] == wanted.extents[d];
  if (same) return {};
  return {
      sentence(op, ": ", pooled.name, " is ", pooled.shape()),
      sentence("; it must be ", wanted.shape(), ": n and c of ", input.name, ", and between them "),
      g.ceil_mode
          ? "ceil((extent + padding + padding_after - (window - 1) * dilation - 1) / stride) + 1 windows, without a "
            "last one that begins in the padding after"
          : "floor((extent + padding + padding_after - (window - 1) * dilation - 1) / stride) + 1 windows"};
}

/// Returns the axes of a pooling as a kernel takes them: of an input and its pooled output with these extents.
inline void set_axes(tile::pool_axis (&axes)[3], const pool_geometry& g, const spatial<3>& extents,
                     const spatial<3>& windows) {
  for (int d = 0; d < 3; ++d)
    axes[d] = {extents[d],
               windows[d],
               g.window[d],
               g.before[d],
               extents[d] + (g.counts_padding ? g.after[d] : 0),
               g.counts_padding,
               fast_divisor(g.stride[d]),
               fast_divisor(g.dilation[d])};
}

/// Checks that a 32-bit number can count the pixels of an image. `when` is "with indices " if an op without indices has
/// no such limit.
inline finding check_pixel_count(const char* op, const operand& input, const char* when = "") {
  std::int64_t pixels = 1;
  for (int d = 1; d < input.rank - 1; ++d)
    if (__builtin_mul_overflow(pixels, input.extents[d], &pixels) || pixels > largest_extent)
      return {sentence(op, ": ", input.name, " is ", input.shape(), "; ", when), "an image must have at most ",
              largest_extent, " pixels"};
  return {};
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
