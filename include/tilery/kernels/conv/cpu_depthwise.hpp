// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU's kernel for depthwise convolutions with a small square filter, forward and data gradient. It computes blocks
// of pixels, and keeps the filter of a pack of channels in registers while it goes along a band of rows. The shared
// kernel (depthwise.hpp) takes any filter: its strips have one row, so that each tap and each row of pixels is loaded
// once for each row of the output. Here the extents of the filter, the stride and the rows of a block are constants.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/core/unrolled.hpp>
#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/depthwise.hpp>
#include <tilery/simt/cpu_lane.hpp>
#include <tilery/tile/channel_pack.hpp>
#include <tilery/tile/depthwise_units.hpp>

namespace tilery::inline TILERY_ABI {

/// Params is product_params (kernels/gemm/params.hpp) of depthwise_images, depthwise_filter and channel_matrix. If
/// Upsamples is true, it computes the data gradient of a convolution with a stride of P.stride, otherwise a forward
/// pass with this stride; the data gradient of a stride of 1 is such a forward pass.
template <depthwise_policy P, bool Upsamples, class Params>
class cpu_depthwise {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static_assert(P.lowest == arch::cpu && P.tap_rows > 0, "this is the CPU's kernel for square filters");
  using T = typename Params::a_type;
  using S = typename Params::accumulator;
  using axis = tile::unit_axis<P.width, P.stride, Upsamples>;

  static constexpr int vector = P.vector, taps = P.width;
  static constexpr bool keeps_filter = taps * taps <= 25;  // in registers along a band; else one row of taps at a time
  static constexpr int in_rows = axis::inputs(P.rows), in_columns = axis::inputs(P.strip);  // that a block reads
  static constexpr int out_rows = axis::outputs(P.rows), out_columns = axis::outputs(P.strip);
  static constexpr int new_rows = P.rows * axis::in_step;  // that the next band reads, and this one does not
  // The units along the width of which an epilogue adds up columns in registers: 64 pixels
  // (epilogue_bias_gradient.hpp).
  static constexpr int summed_units = greater(1, 64 / (out_rows * out_columns)) * P.strip;
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};

public:
  /// Returns the number of shares of the work. The shares of all channels of the same rows are neighbours.
  static std::int64_t shares(const Params& p) {
    const auto& out = p.c.images.extents;
    const int planes = p.c.rows / (out[1] * out[2]);  // of all images
    return std::int64_t{pieces(p.c.columns, P.channels())} * planes * bands_of(p);
  }

  /// Computes one share: a band of P.rows units along the height, for P.channels() channels.
  static void run(const Params& given, std::int64_t share) {
    const Params p = given;  // a copy that no store can alias: its members stay in registers
    const int channel_pieces = pieces(p.c.columns, P.channels()), bands = bands_of(p);
    const int band_of_all = static_cast<int>(share / channel_pieces);
    const int first = static_cast<int>(share - std::int64_t{band_of_all} * channel_pieces) * P.channels();
    const int end = lesser(first + P.channels(), p.c.columns);
    const auto& in = p.a.images;
    const auto& out = p.c.images;
    place at{axis(p.a.walk[1], in.extents[1], out.extents[1]), axis(p.a.walk[2], in.extents[2], out.extents[2])};
    at.plane = band_of_all / bands, at.band = band_of_all - at.plane * bands;
    at.image = at.plane / out.extents[0], at.z = at.plane - at.image * out.extents[0];
    at.whole_rows = at.y.is_inside(at.band * P.rows, P.rows);
    int channel = first;
    for (; channel + vector <= end; channel += vector) {
      if (at.whole_rows)
        compute_band<true, true>(p, at, channel);
      else
        compute_band<false, true>(p, at, channel);
    }
    if (channel < end) compute_band<false, false>(p, at, channel);
  }

private:
  /// The place of a share.
  struct place {
    axis y, x;
    int plane = 0, band = 0, image = 0, z = 0;
    bool whole_rows = false;  // all rows that the band reads and writes are in bounds
  };
  /// The constants of a band: the filter in registers, and the addresses of the first block's first column.
  struct block {
    pack<S, vector> filter[keeps_filter ? taps : 1][taps];
    gmem_ptr<const T> from;  // column 0 of row `first_row` of the input, which may be out of bounds
    gmem_ptr<typename Params::c_type> to;
    int first_row, first_out;  // rows of the input and of the output
    int below;                 // rows of the next band that exist, for the prefetch
    int channel, inside;
  };

  static int bands_of(const Params& p) {
    const auto& out = p.c.images.extents;
    return pieces(axis(p.a.walk[1], p.a.images.extents[1], out[1]).units, P.rows);
  }

  /// Loads the tap at position (r, t) of the filter (unit_axis::tap).
  TILERY_INLINED static inline pack<S, vector> tap_of(const Params& p, const place& at, int channel, int r, int t) {
    const int tap = at.y.tap[r] * taps + at.x.tap[t];
    return lane.load(p.b.packed + (tap * p.b.pitch + channel), width<vector>);
  }

  /// Computes a band of rows for one pack of channels. If Whole is false, the pack's last channels do not exist.
  template <bool WholeRows, bool Whole>
  TILERY_INLINED static inline void compute_band(const Params& p, const place& at, int channel) {
    const auto& in = p.a.images;
    const auto& out = p.c.images;
    block b;
    if constexpr (keeps_filter)
      unrolled<taps * taps>(
          [&](int i) TILERY_INLINED { b.filter[i / taps][i % taps] = tap_of(p, at, channel, i / taps, i % taps); });
    b.first_row = at.y.first_input(at.band * P.rows), b.first_out = at.y.first_output(at.band * P.rows);
    b.from = in.data + (at.image * in.image_stride + at.z * in.strides[0] + channel * in.channel_stride);
    b.to = out.data + (at.image * out.image_stride + at.z * out.strides[0] + channel * out.channel_stride);
    b.channel = channel, b.inside = p.c.columns - channel;
    b.below = lesser(new_rows, at.y.in_extent - (b.first_row + in_rows));
    for (int unit = 0; unit < at.x.units;) {
      auto epilogue = epilogue::in_tile<S, vector, 1>(p.epilogue);
      const int end = Params::epilogue_type::sums_columns ? lesser(at.x.units, unit + summed_units) : at.x.units;
      if constexpr (WholeRows && Whole && keeps_filter) {
        // Three loops, with blocks at the edges in the first and the last one: they need the fewest registers.
        for (; unit < end && !at.x.is_inside(unit, P.strip); unit += P.strip)
          compute<true, false, true>(p, epilogue, at, b, unit);
        for (; unit < end && at.x.is_inside(unit, P.strip); unit += P.strip)
          compute<true, true, true>(p, epilogue, at, b, unit);
        for (; unit < end; unit += P.strip) compute<true, false, true>(p, epilogue, at, b, unit);
      } else {
        // One loop, because each copy of a block is long code.
        for (; unit < end; unit += P.strip) {
          if constexpr (Whole)
            if (at.x.is_inside(unit, P.strip)) {
              compute<WholeRows, true, Whole>(p, epilogue, at, b, unit);
              continue;
            }
          compute<WholeRows, false, Whole>(p, epilogue, at, b, unit);
        }
      }
      epilogue.end(lane);
    }
  }

  /// Computes a block of P.rows x P.strip units. If WholeRows or WholeColumns is false, some of its rows or columns may
  /// be out of bounds: they are not read, and not written.
  template <bool WholeRows, bool WholeColumns, bool Whole, class TileEpilogue>
  TILERY_INLINED static inline void compute(const Params& p, TileEpilogue& epilogue, const place& at, const block& b,
                                            int unit) {
    const auto& in = p.a.images;
    const int first = at.x.first_input(unit);
    const auto from = b.from + (b.first_row * in.strides[1] + first * in.strides[2]);
    pack<S, vector> sums[out_rows][out_columns];
    unrolled<out_rows * out_columns>(
        [&](int i) TILERY_INLINED { sums[i / out_columns][i % out_columns] = splat<vector>(S(0)); });
    unrolled<in_rows>([&](int r) TILERY_INLINED {
      if (!WholeRows && !tile::is_inside(b.first_row + r, at.y.in_extent)) return;
      pack<S, vector> rows[out_rows][taps];  // of taps, by the row of the output that they reach
      unrolled<out_rows * taps>([&](int i) TILERY_INLINED {
        const int tap_r = axis::position(i / taps, r);
        if (tap_r < 0) return;
        if constexpr (keeps_filter)
          rows[i / taps][i % taps] = b.filter[tap_r][i % taps];
        else
          rows[i / taps][i % taps] = tap_of(p, at, b.channel, tap_r, i % taps);
      });
      unrolled<in_columns>([&](int i) TILERY_INLINED {
        if (!WholeColumns && !tile::is_inside(first + i, at.x.in_extent)) return;
        const auto pixel =
            tile::load_channels<S, vector, Whole>(lane, from + (r * in.strides[1] + i * in.strides[2]), b.inside);
        unrolled<out_rows * out_columns>([&](int to) TILERY_INLINED {
          const int to_r = to / out_columns, to_i = to % out_columns, tap_i = axis::position(to_i, i);
          if (axis::position(to_r, r) >= 0 && tap_i >= 0)
            sums[to_r][to_i] = fma(pixel, rows[to_r][tap_i], sums[to_r][to_i]);
        });
      });
    });
    if constexpr (Whole) prefetch_below<WholeColumns>(in, at, b, from, first);
    store<WholeRows, WholeColumns, Whole>(p, epilogue, at, b, unit, sums);
  }

  /// Prefetches into the L2 cache the rows that the next band reads at the same place. The CPU's own prefetcher does
  /// not follow the short runs of a block's pixels, and prefetches into the L1 cache would wait for its few miss
  /// buffers. Inlined, because g++ removes calls of functions that only prefetch.
  template <bool WholeColumns>
  TILERY_INLINED static inline void prefetch_below(const gmem_images<const T>& in, const place& at, const block& b,
                                                   gmem_ptr<const T> from, int first) {
    TILERY_UNROLL
    for (int r = 0; r < new_rows; ++r) {
      if (r >= b.below) break;
      TILERY_UNROLL
      for (int i = in_columns - P.strip * axis::in_step; i < in_columns; ++i)
        if (WholeColumns || tile::is_inside(first + i, at.x.in_extent))
          __builtin_prefetch((from + ((in_rows + r) * in.strides[1] + i * in.strides[2])).raw(), 0, 2);
    }
  }

  /// Computes the values of the block's pixels from their sums, and stores those that are in bounds.
  template <bool WholeRows, bool WholeColumns, bool Whole, class TileEpilogue>
  TILERY_INLINED static inline void store(const Params& p, TileEpilogue& epilogue, const place& at, const block& b,
                                          int unit, const pack<S, vector> (&sums)[out_rows][out_columns]) {
    const auto& out = p.c.images;
    const int first = at.x.first_output(unit);
    unrolled<out_rows>([&](int r) TILERY_INLINED {
      const int y = b.first_out + r, row = (at.plane * out.extents[1] + y) * out.extents[2];
      if (!WholeRows && !tile::is_inside(y, out.extents[1])) return;
      unrolled<out_columns>([&](int i) TILERY_INLINED {
        const int x = first + i;
        if (!WholeColumns && !tile::is_inside(x, out.extents[2])) return;
        const auto pixel = b.to + (y * out.strides[1] + x * out.strides[2]);
        auto old = splat<vector>(S(0));
        if (p.beta != S(0)) old = tile::load_channels<S, vector, Whole>(lane, pixel, b.inside);
        const auto values = p.finish(lane, epilogue, sums[r][i], old, row + x, b.channel);
        tile::store_channels<Whole>(lane, pixel, b.inside, values);
      });
    });
  }
};

}  // namespace tilery::inline TILERY_ABI
