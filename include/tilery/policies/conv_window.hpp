// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the convolution kernels for few input channels, and its rules. Such a kernel computes a tile of output
// pixels from a window: all input pixels that the taps of the tile's pixels read. A block loads the window once to
// shared memory, and reads it there once for each tap: memory is read once instead of taps times.
//
// A column is a tap and a channel of a filter: a filter of R x S taps and C channels has R S C columns.
#pragma once
#pragma GCC system_header

#include <tilery/policies/conv_problem.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/policies/gemm_simt.hpp>

namespace tilery::inline TILERY_ABI {

/// How a window kernel cuts a convolution. A block computes
///
///   forward           pixels x filters of y, one tile of pixels after another
///   weight gradient   filters x columns of dw, summed over one tile of pixels after another
struct conv_window_policy {
  int pixels = 128;           // pixels of a tile: a power of two
  int filters = 64;           // filters of a block
  int columns = 160;          // forward: the most columns of a filter that fit; weight gradient: columns of a block
  tile_mn part = {8, 8};      // the part of a block's output that a lane computes, or a warp with tensor_cores
  bool tensor_cores = false;  // multiply by mma.sync (half, bf16, tf32), otherwise by FMA (double, float, half, bf16)
  int window = 3072;          // elements of shared memory for a window
  int c_vector = 4;           // forward: elements of one access to y (double: 2); 1 serves any strides and alignment
  arch lowest = arch::sm_75;  // the first arch that the kernel is compiled for
  friend constexpr bool operator==(const conv_window_policy&, const conv_window_policy&) = default;

  /// The extents of a block's output.
  constexpr tile_mn output(conv_direction d) const {
    return d == conv_direction::forward ? tile_mn{pixels, filters} : tile_mn{filters, columns};
  }
  /// The policy of the GEMM's register tile (tile/register_tile.hpp) that holds the sums without tensor cores.
  constexpr gemm_simt_policy lanes(conv_direction d) const {
    return {.block = {output(d).m, output(d).n, 8}, .lane = part, .vector = 1, .c_vector = c_vector, .k_parts = 1};
  }
  /// The policy of the GEMM's fragments (tile/mma_tile.hpp) that hold the sums with tensor cores.
  constexpr gemm_mma_sync_policy warps(conv_direction d) const {
    return {.block = {output(d).m, output(d).n, 32}, .warp = part, .vector = 1, .c_vector = c_vector, .k_parts = 1};
  }
  constexpr int threads(conv_direction d) const { return tensor_cores ? warps(d).threads() : lanes(d).threads(); }

  /// The bytes of shared memory for `count` elements.
  static constexpr int array_bytes(int count, int element_bytes) { return (count * element_bytes + 15) / 16 * 16; }
  /// The elements from one filter to the next (tensor cores) or from one column to the next in shared memory. 16 bytes
  /// of padding put elements that are read or stored together into different banks.
  constexpr int filter_pitch(int element_bytes) const {
    return (tensor_cores ? columns : filters) + 16 / element_bytes;
  }
  /// Bytes of shared memory. `element_bytes` are the bytes of an element there: of x and w with tensor cores, of the
  /// accumulation type without.
  constexpr int shared_bytes(conv_direction d, int element_bytes) const {
    int bytes = array_bytes(window, element_bytes);
    if (d != conv_direction::forward)
      bytes += array_bytes(pixels * (tensor_cores ? filters : filter_pitch(element_bytes)), element_bytes);
    else if (tensor_cores)
      bytes = greater(bytes, threads(d) / 32 * 16 * (part.n + 8) * 4) +
              array_bytes(filters * filter_pitch(element_bytes), element_bytes) +
              array_bytes(2 * columns * element_bytes / 4, 4);
    else
      bytes += array_bytes(columns * filter_pitch(element_bytes), element_bytes) + array_bytes(columns, 4);
    return tensor_cores ? (bytes + 127) / 128 * 128 : bytes;
  }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null. `element_bytes` as for shared_bytes().
constexpr const char* broken_rule(const conv_window_policy& p, conv_direction d, int element_bytes,
                                  when_broken how = when_broken::say) {
  if (d == conv_direction::data_gradient)
    return broken("conv_window_policy is for the forward pass and the weight gradient: the data gradient has few outputs, not few inputs", how);
  if (p.pixels < 16 || !is_power_of_two(p.pixels))
    return broken("conv_window_policy.pixels must be a power of two and at least 16, because rows of a tile have 16 pixels or more", how);
  if (p.filters < 1 || p.columns < 1 || p.part.m < 1 || p.part.n < 1 || p.window < 1)
    return broken("conv_window_policy.filters, columns, part and window must be positive", how);
  const tile_mn of = p.output(d);
  if (p.tensor_cores) {
    if (p.part.m % 16 || p.part.n % (d == conv_direction::forward ? 16 : 8))
      return broken("conv_window_policy.part must be a multiple of 16 in m and n (n of a weight gradient: 8) with tensor_cores, because it consists of fragments", how);
    if (of.m % p.part.m || of.n % p.part.n)
      return broken("conv_window_policy.part must divide the output of a block, pixels x filters or filters x columns", how);
    if (p.columns * element_bytes % 32)
      return broken("conv_window_policy.columns must be a multiple of 32 bytes with tensor_cores, because an instruction multiplies 32 bytes", how);
    if (d != conv_direction::forward && (!is_power_of_two(p.filters) || p.filters * element_bytes < 16))
      return broken("conv_window_policy.filters must be a power of two and at least 16 bytes in a weight gradient with tensor_cores, because the swizzle permutes 16-byte chunks", how);
    if (!has_features(p.lowest, features::mma_f16))
      return broken("conv_window_policy.lowest must be sm_80 or later with tensor_cores", how);
  } else {
    const int quad = 16 / element_bytes;
    if (p.part.m % quad || p.part.n % quad || p.filters % quad)
      return broken("conv_window_policy.part and filters must be multiples of 16 bytes of the accumulation type, because a lane reads whole packs", how);
    if (of.m % (4 * p.part.m) || of.n % (8 * p.part.n))
      return broken("conv_window_policy: the output of a block must be a multiple of 4 part.m x 8 part.n, because a warp has 4 x 8 lanes", how);
  }
  if (p.c_vector != 1 && p.c_vector != (element_bytes == 8 ? 2 : 4))
    return broken("conv_window_policy.c_vector must be 1, or 4 (double: 2), because a store to y takes 16 bytes of sums", how);
  if (limits(p.lowest).vendor == vendor::host) return broken("conv_window_policy.lowest must be a GPU's arch", how);
  if (p.threads(d) > limits(p.lowest).threads_per_block)
    return broken("conv_window_policy: a block must have at most 1024 threads (32 warps)", how);
  if (p.shared_bytes(d, element_bytes) > limits(p.lowest).shared_bytes_per_block)
    return broken("conv_window_policy: the shared memory of a block must fit the shared memory of its lowest arch", how);
  return nullptr;
}
// clang-format on

/// Returns the policy in words.
inline sentence describe(const conv_window_policy& p) {
  return {sentence("a window kernel", p.tensor_cores ? " on tensor cores" : "", ", tiles of ", p.pixels, " pixels, "),
          sentence(p.filters, " filters and ", p.columns, " columns a block")};
}

/// A convolution as the selector of window kernels sees it.
struct conv_window_problem {
  conv_direction direction = conv_direction::forward;
  conv_geometry geometry;
  int element_bytes = 4, sum_bytes = 4;  // of x and w, and of the accumulation type
  int c_vector = 1;                      // elements of the widest pack of channels of y
  const char* why_not = nullptr;         // if not null: the reason why no window kernel serves the convolution
  arch target = arch::sm_75;
};

/// How the tiles of a policy and their windows are laid out for one convolution.
struct window_cut {
  int width_bits = 0;              // a tile is 2^width_bits pixels wide
  std::int64_t tiles = 0;          // of all images
  int rows = 0, width = 0;         // pixels of a window, for each of the filter's taps along the depth
  int row_columns = 0;             // columns of a row of taps, with padding
  int pitch = 0, plane_pitch = 0;  // elements from row to row and from plane to plane
  int copy = 0;                    // offset of a second copy of the window; 0: there is none
  std::int64_t elements = 0;       // of shared memory
};

/// Returns the smallest number from `least` on that is `rest` modulo `modulus`.
constexpr std::int64_t congruent(std::int64_t least, std::int64_t rest, int modulus) {
  return least + ((rest - least) % modulus + modulus) % modulus;
}

/// Returns the cut with tiles of 2^width_bits pixels along the width.
///
/// Banks. Two columns of a filter that follow each other are neighbours in shared memory, or, at the end of a row of
/// taps, neighbours modulo 128 bytes: lanes that read neighbouring columns read different banks.
///
/// Pairs. Tensor cores take 16-bit elements in pairs of neighbouring columns, which must be aligned to 4 bytes. A row
/// of taps is padded to an even number of columns. If every second pixel begins at an odd element, the window is stored
/// a second time, one element further on: pixels at odd elements read this copy.
constexpr window_cut cut_window(const conv_window_policy& p, const conv_window_problem& q, int width_bits) {
  const conv_geometry& g = q.geometry;
  const bool pairs = p.tensor_cores && q.direction == conv_direction::forward && q.element_bytes == 2;
  const int bytes = p.tensor_cores ? q.element_bytes : q.sum_bytes, banks = 128 / bytes;
  const std::int64_t columns = std::int64_t{g.taps[2]} * g.channels;
  const std::int64_t tile_width = std::int64_t{1} << width_bits, tile_rows = p.pixels / tile_width;
  window_cut c;
  c.width_bits = width_bits;
  c.tiles = std::int64_t{g.images} * g.out[0] * pieces(g.out[1], static_cast<int>(tile_rows)) *
            pieces(g.out[2], static_cast<int>(tile_width));
  const std::int64_t rows = (tile_rows - 1) * g.stride[1] + std::int64_t{g.taps[1] - 1} * g.dilation[1] + 1;
  std::int64_t width = (tile_width - 1) * g.stride[2] + std::int64_t{g.taps[2] - 1} * g.dilation[2] + 1;
  if (pairs && columns % 2) ++width;  // the second element of a row's last pair
  const std::int64_t row_columns = pairs ? (columns + 1) / 2 * 2 : columns;
  const std::int64_t pitch = congruent(width * g.channels, row_columns, banks);
  const std::int64_t plane = congruent(rows * pitch, g.taps[1] * row_columns, banks);
  c.elements = g.taps[0] * plane;
  const bool twice = pairs && std::int64_t{g.stride[2]} * g.channels % 2;
  const std::int64_t copy = twice ? congruent(c.elements, banks / 2, banks) : 0;
  if (twice) c.elements += copy;
  if (c.elements > p.window) return c;
  c.rows = static_cast<int>(rows), c.width = static_cast<int>(width), c.row_columns = static_cast<int>(row_columns);
  c.pitch = static_cast<int>(pitch), c.plane_pitch = static_cast<int>(plane), c.copy = static_cast<int>(copy);
  return c;
}
/// Returns the cut that fits a policy's shared memory, has the fewest tiles, and of these the fewest pixels to load. If
/// none fits, its elements are more than p.window.
constexpr window_cut best_window(const conv_window_policy& p, const conv_window_problem& q) {
  window_cut best = cut_window(p, q, 4);
  for (int bits = 5; 1 << bits <= p.pixels; ++bits) {
    const window_cut c = cut_window(p, q, bits);
    if (c.elements > p.window) continue;
    if (best.elements > p.window || c.tiles < best.tiles ||
        (c.tiles == best.tiles && std::int64_t{c.rows} * c.width < std::int64_t{best.rows} * best.width))
      best = c;
  }
  return best;
}

/// Returns the columns of a filter, with the padding of each row of taps.
constexpr std::int64_t window_columns(const conv_window_problem& q, const window_cut& c) {
  return std::int64_t{q.geometry.taps[0]} * q.geometry.taps[1] * c.row_columns;
}

/// Returns null if the policy can run the convolution, otherwise the reason.
constexpr const char* misfit(const conv_window_policy& p, const conv_window_problem& q) {
  if (q.why_not) return q.why_not;
  if (!is_at_least(q.target, p.lowest)) return "the policy is for a later arch than this device";
  const bool forward = q.direction == conv_direction::forward;
  if (forward && p.tensor_cores && q.element_bytes == 2 && q.geometry.dilation[2] != 1 && q.geometry.taps[2] > 1)
    return "a window kernel on tensor cores takes 16-bit elements in pairs, and a dilation along the width parts them";
  const window_cut c = best_window(p, q);
  if (c.elements > p.window) return "the window of a tile does not fit the shared memory of a window kernel's block";
  if (forward && window_columns(q, c) > p.columns)
    return "a filter does not fit the shared memory of a window kernel's block";
  if (c.tiles > largest_extent) return "the images have more than 2^31 tiles of pixels";
  if (forward && p.c_vector > q.c_vector)
    return "the channels of y must be contiguous, whole packs of c_vector elements at aligned addresses";
  return nullptr;
}

}  // namespace tilery::inline TILERY_ABI
