// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU's kernel for the weight gradient of depthwise convolutions with a small square filter, the counterpart of
// cpu_depthwise.hpp. A share of the work is one slice of the bands (P.rows rows of dy) for a few packs of channels. It
// keeps the sums of all taps of a pack in registers along a band, and goes by blocks of pixels of dy, whose extents and
// stride are constants: each pixel of x is loaded once for all taps and pixels of the block that it meets.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/core/unrolled.hpp>
#include <tilery/kernels/conv/depthwise_weight_params.hpp>
#include <tilery/simt/cpu_lane.hpp>

namespace tilery::inline TILERY_ABI {

/// T: the elements of x and dy; S: the accumulation type.
template <depthwise_weight_policy P, class T, class S>
class cpu_depthwise_square_weight {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static_assert(P.lowest == arch::cpu && P.stride > 0, "this is the CPU's kernel for square filters");
  static constexpr int vector = P.vector, taps = P.width, stride = P.stride;
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};

public:
  using params = depthwise_weight_params<T, S>;

  /// The number of shares. A strip of p.grid is a band; the last band of a plane may have fewer rows. Their sums do not
  /// depend on the number of threads.
  static std::int64_t shares(const params& p) { return std::int64_t{pieces(p.filters, P.channels())} * p.slices; }

  static void run(const params& given, std::int64_t share) {
    const params p = given;  // a copy that no store can alias: its members stay in registers
    const int tiles = pieces(p.filters, P.channels()), slice = static_cast<int>(share / tiles);
    const int first = static_cast<int>(share % tiles) * P.channels();
    const int end = lesser(first + P.channels(), p.filters);
    for (int tap = 0; tap < taps * taps; ++tap)
      for (int channel = first; channel < end; channel += vector)
        lane.store(p.sums_at(slice, tap, channel), splat<vector>(S(0)));
    const int bands_of_plane = pieces(p.gradient.extents[1], P.rows), last = p.slice_end(slice);
    for (int number = p.slice_begin(slice); number < last; ++number) {
      band b;
      const int plane = number / bands_of_plane;
      b.image = plane / p.gradient.extents[0], b.z = plane - b.image * p.gradient.extents[0];
      b.y = (number - plane * bands_of_plane) * P.rows;
      b.first_row = b.y * stride + p.walk[1].origin;
      const int rows = lesser(P.rows, p.gradient.extents[1] - b.y);
      const bool whole = rows == P.rows && b.first_row >= 0 && b.first_row + read(P.rows) <= p.x.extents[1];
      int channel = first;
      for (; channel + vector <= end; channel += vector) {
        if (whole)
          add_band<P.rows, true, true>(p, b, slice, channel);
        else if (rows == P.rows)
          add_band<P.rows, false, true>(p, b, slice, channel);
        else
          add_rows<true>(p, b, rows, slice, channel);
      }
      if (channel < end) add_rows<false>(p, b, rows, slice, channel);
    }
  }

private:
  /// The place of a band.
  struct band {
    int image, z;
    int y, first_row;  // its first row of dy, and the first row of x that it reads, which may be out of bounds
  };
  /// The addresses of the pixels of coordinate 0 in the first row of a band, for a pack of channels.
  struct rows_at {
    gmem_ptr<const T> x, gradient;
    int first_row, inside;
    int below_x, below_gradient;  // rows of the next band that exist, for the prefetch
  };
  using sums_of_taps = pack<S, vector>[taps][taps];

  /// The pixels of x along one dimension that n neighbouring pixels of dy meet.
  static constexpr int read(int n) { return (n - 1) * stride + taps; }

  /// Adds the rows of a band one by one, with the sums in registers for each row.
  template <bool Whole>
  static void add_rows(const params& p, band b, int rows, int slice, int channel) {
    for (int i = 0; i < rows; ++i, ++b.y, b.first_row += stride) add_band<1, false, Whole>(p, b, slice, channel);
  }

  /// Adds the products of Rows rows of dy to the sums of one pack of channels. If WholeRows is false, rows of x may be
  /// out of bounds; if Whole is false, the pack's last channels do not exist.
  template <int Rows, bool WholeRows, bool Whole>
  TILERY_INLINED static inline void add_band(const params& p, const band& b, int slice, int channel) {
    sums_of_taps sums;
    unrolled<taps * taps>([&](int tap) TILERY_INLINED {
      sums[tap / taps][tap % taps] = lane.load(p.sums_at(slice, tap, channel), width<vector>);
    });
    const auto &x = p.x, &dy = p.gradient;
    rows_at at;
    at.x = x.data +
           (b.image * x.image_stride + b.z * x.strides[0] + b.first_row * x.strides[1] + channel * x.channel_stride);
    at.gradient =
        dy.data + (b.image * dy.image_stride + b.z * dy.strides[0] + b.y * dy.strides[1] + channel * dy.channel_stride);
    at.first_row = b.first_row, at.inside = p.filters - channel;
    at.below_x = lesser(Rows * stride, x.extents[1] - (b.first_row + read(Rows)));
    at.below_gradient = lesser(Rows, dy.extents[1] - (b.y + Rows));
    const int last = dy.extents[2];
    int column = 0;
    for (; column + P.strip <= last && first_column(p, column) < 0; column += P.strip)
      add_block<Rows, P.strip, WholeRows, false, Whole>(p, at, column, sums);
    for (; column + P.strip <= last && first_column(p, column) + read(P.strip) <= x.extents[2]; column += P.strip)
      add_block<Rows, P.strip, WholeRows, true, Whole>(p, at, column, sums);
    for (; column + P.strip <= last; column += P.strip)
      add_block<Rows, P.strip, WholeRows, false, Whole>(p, at, column, sums);
    for (; column < last; ++column) add_block<Rows, 1, WholeRows, false, Whole>(p, at, column, sums);
    unrolled<taps * taps>(
        [&](int tap) TILERY_INLINED { lane.store(p.sums_at(slice, tap, channel), sums[tap / taps][tap % taps]); });
  }

  TILERY_INLINED static inline int first_column(const params& p, int column) {
    return column * stride + p.walk[2].origin;
  }

  /// Adds the products of Rows x Columns pixels of dy from `column` on, all of them in bounds. If WholeRows or
  /// WholeColumns is false, some of the rows or columns of x may be out of bounds: they are not read.
  template <int Rows, int Columns, bool WholeRows, bool WholeColumns, bool Whole>
  TILERY_INLINED static inline void add_block(const params& p, const rows_at& at, int column, sums_of_taps& sums) {
    const auto &x = p.x, &dy = p.gradient;
    const int first = first_column(p, column);
    const auto from = at.x + first * x.strides[2];
    const auto gradient = at.gradient + column * dy.strides[2];
    pack<S, vector> gradients[Rows][Columns];
    unrolled<Rows * Columns>([&](int at_i) TILERY_INLINED {
      const int r = at_i / Columns, i = at_i % Columns;
      gradients[r][i] =
          tile::load_channels<S, vector, Whole>(lane, gradient + (r * dy.strides[1] + i * dy.strides[2]), at.inside);
    });
    unrolled<read(Rows)>([&](int r) TILERY_INLINED {
      if (!WholeRows && !tile::is_inside(at.first_row + r, x.extents[1])) return;
      unrolled<read(Columns)>([&](int i) TILERY_INLINED {
        if (!WholeColumns && !tile::is_inside(first + i, x.extents[2])) return;
        const auto pixel =
            tile::load_channels<S, vector, Whole>(lane, from + (r * x.strides[1] + i * x.strides[2]), at.inside);
        unrolled<Rows * Columns>([&](int of) TILERY_INLINED {
          const int tap_r = r - of / Columns * stride, tap_i = i - of % Columns * stride;
          if (tap_r >= 0 && tap_r < taps && tap_i >= 0 && tap_i < taps)
            sums[tap_r][tap_i] = fma(pixel, gradients[of / Columns][of % Columns], sums[tap_r][tap_i]);
        });
      });
    });
    if constexpr (WholeColumns && Whole) prefetch_below<Rows, Columns>(p, at, from, gradient);
  }

  /// Prefetches into the L2 cache what the next band reads first at the same place, as cpu_depthwise.hpp does.
  template <int Rows, int Columns>
  TILERY_INLINED static inline void prefetch_below(const params& p, const rows_at& at, gmem_ptr<const T> from,
                                                   gmem_ptr<const T> gradient) {
    const auto &x = p.x, &dy = p.gradient;
    TILERY_UNROLL
    for (int r = 0; r < Rows * stride; ++r) {
      if (r >= at.below_x) break;
      TILERY_UNROLL
      for (int i = read(Columns) - Columns * stride; i < read(Columns); ++i)
        __builtin_prefetch((from + ((read(Rows) + r) * x.strides[1] + i * x.strides[2])).raw(), 0, 2);
    }
    TILERY_UNROLL
    for (int r = 0; r < Rows; ++r) {
      if (r >= at.below_gradient) break;
      TILERY_UNROLL
      for (int i = 0; i < Columns; ++i)
        __builtin_prefetch((gradient + ((Rows + r) * dy.strides[1] + i * dy.strides[2])).raw(), 0, 2);
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
