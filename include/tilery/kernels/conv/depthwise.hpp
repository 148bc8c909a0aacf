// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The depthwise convolution, forward and data gradient: each channel has filters of its own. A lane computes strips,
// neighbouring output pixels of a row, for a pack of channels; it adds the products of one row of taps after another.
// With P.width taps along the width that are neighbours, it loads each input pixel of the strip once for all of them.
// Only the taps that reach a pixel are multiplied: a data gradient with a stride goes by residue classes, and a strip
// has pixels of one class. All executors run this code.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/gemm/params.hpp>
#include <tilery/tile/channel_pack.hpp>
#include <tilery/tile/depthwise_taps.hpp>

namespace tilery::inline TILERY_ABI {

/// Params is product_params (kernels/gemm/params.hpp) of depthwise_images, depthwise_filter and channel_matrix.
template <depthwise_policy P, class Params>
struct depthwise {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static constexpr const char* name = "depthwise";
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = P.lowest == arch::cpu;
  static constexpr arch lowest = P.lowest;
  using T = typename Params::a_type;
  using S = typename Params::accumulator;
  using shared = tile::staged_taps<P, T>;

  /// Returns the number of blocks. The blocks of all channels of the same strips are neighbours.
  static std::int64_t block_count(const Params& p) {
    return std::int64_t{pieces(p.c.columns, P.channels())} * pieces(p.a.grid.strips, P.block_strips());
  }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& p, shared& smem) {
    const int pieces_of_channels = pieces(p.c.columns, P.channels());
    const int group = lane.block().x / pieces_of_channels;
    const int first_channel = (lane.block().x - group * pieces_of_channels) * P.channels();
    const int column = lane.rank() % P.channel_lanes * vector, channel = first_channel + column;
    tile::stage_taps<P>(lane, p.b, first_channel, p.c.columns, smem);
    auto epilogue = epilogue::in_tile<S, vector, P.packs>(p.epilogue);
    const int first = group * P.block_strips() + lane.rank() / P.channel_lanes;
    TILERY_ROLLED
    for (int i = 0; i < P.strips; ++i) {
      const int number = first + i * (P.threads / P.channel_lanes);
      if (number >= p.a.grid.strips || channel >= p.c.columns) break;
      const tile::strip_place place = p.a.grid.at(number);
      if (place.y >= p.c.images.extents[1]) continue;
      if constexpr (P.packs == 1) {
        compute_pack(lane, p, smem, epilogue, place, channel, column);
      } else {
        for (int of_pack = 0; of_pack < P.packs * vector && channel + of_pack < p.c.columns; of_pack += vector)
          compute_pack(lane, p, smem, epilogue, place, channel + of_pack, column + of_pack);
      }
    }
    epilogue.end(lane);
  }

private:
  static constexpr int vector = P.vector, strip = P.strip;
  static constexpr bool on_cpu = P.lowest == arch::cpu;

  /// A row of the input that a row of taps reads.
  struct input_row {
    gmem_ptr<const T> data;  // the pixel of coordinate 0, at the strip's first channel
    std::int64_t step;       // elements from pixel to pixel
    std::int32_t extent;     // pixels
    std::int32_t inside;     // channels from the first one on
  };

  template <class Lane, class TileEpilogue>
  TILERY_SIMT static void compute_pack(Lane lane, const Params& p, shared& smem, TileEpilogue& epilogue,
                                       const tile::strip_place& place, int channel, int column) {
    if constexpr (on_cpu && vector > 1)
      if (channel + vector > p.c.columns) return compute<false>(lane, p, smem, epilogue, place, channel, column);
    compute<true>(lane, p, smem, epilogue, place, channel, column);
  }

  /// Computes a strip of one pack of channels. If Whole is false, the pack's last channels do not exist.
  template <bool Whole, class Lane, class TileEpilogue>
  TILERY_SIMT static void compute(Lane lane, const Params& p, shared& smem, TileEpilogue& epilogue,
                                  const tile::strip_place& place, int channel, int column) {
    pack<S, vector> sums[strip];
    TILERY_UNROLL
    for (int i = 0; i < strip; ++i) sums[i] = splat<vector>(S(0));
    const auto& a = p.a;
    const tile::tap_range z(a.walk[0], place.z), y(a.walk[1], place.y);
    const tile::depthwise_class x = a.walk[2].of[place.width_class];
    const int inside = p.c.columns - channel;
    const int inputs = vector == 1 ? a.inputs() : 1;  // packs have one filter a channel
    for (int m = 0; m < inputs; ++m) {
      const int input = vector == 1 ? a.input(channel) + m : channel;
      const int filter = vector == 1 && a.is_gradient ? input : channel;
      const auto image = a.images.data + (place.image * a.images.image_stride + input * a.images.channel_stride);
      for (int i = 0; i < z.taps.taps; ++i) {
        const int at_z = z.first + i * a.walk[0].tap_step;
        if (!tile::is_inside(at_z, a.images.extents[0])) continue;
        for (int j = 0; j < y.taps.taps; ++j) {
          const int at_y = y.first + j * a.walk[1].tap_step;
          if (!tile::is_inside(at_y, a.images.extents[1])) continue;
          const int tap_z = z.taps.first_tap + i * a.walk[0].tap_stride;
          const int tap_y = y.taps.first_tap + j * a.walk[1].tap_stride;
          const tile::tap_row taps{(tap_z * p.b.taps.extents[1] + tap_y) * p.b.taps.extents[2],
                                   tap_z * p.b.filters.strides[0] + tap_y * p.b.filters.strides[1]};
          const input_row row{image + (at_z * a.images.strides[0] + at_y * a.images.strides[1]), a.images.strides[2],
                              a.images.extents[2], inside};
          if constexpr (P.width > 0)
            add_neighbours<Whole>(lane, p, smem, row, taps, x, place.first, filter, column, sums);
          else
            add_any<Whole>(lane, p, smem, row, taps, x, place.first, filter, column, sums);
        }
      }
    }
    if constexpr (on_cpu)
      prefetch_below(p, place, y.first + y.taps.taps * a.walk[1].tap_step, z.first, x.origin, channel);
    finish<Whole>(lane, p, epilogue, place, channel, inside, sums);
  }

  /// Prefetches what the strip below this one reads and writes first: the input's rows from `at_y` on, and its own row.
  /// The CPU's own prefetcher does not follow the short runs of a strip's pixels. Inlined, because g++ removes calls of
  /// functions that only prefetch.
  TILERY_SIMT static void prefetch_below(const Params& p, const tile::strip_place& place, int at_y, int at_z,
                                         int origin, int channel) {
    const auto& x = p.a.images;
    const auto& y = p.c.images;
    const tile::depthwise_walk &rows = p.a.walk[1], &along = p.a.walk[2];
    if (place.y + 1 < y.extents[1]) {
      const auto to = y.data + (place.image * y.image_stride + place.z * y.strides[0] + (place.y + 1) * y.strides[1] +
                                channel * y.channel_stride);
      TILERY_UNROLL
      for (int i = 0; i < strip; ++i) {
        const int at = place.width_class + (place.first + i) * along.classes.value;
        if (at < y.extents[2]) __builtin_prefetch((to + at * y.strides[2]).raw(), 1);
      }
    }
    if (!tile::is_inside(at_z, x.extents[0])) return;
    for (int row = at_y; row < at_y + rows.in_step && row < x.extents[1]; ++row) {
      if (row < 0) continue;
      const auto from = x.data + (place.image * x.image_stride + at_z * x.strides[0] + row * x.strides[1] +
                                  channel * x.channel_stride);
      TILERY_UNROLL
      for (int i = 0; i < strip; ++i) {
        const int at = (place.first + i) * along.in_step + origin;
        if (tile::is_inside(at, x.extents[2])) __builtin_prefetch((from + at * x.strides[2]).raw());
      }
    }
  }

  /// Adds the products of P.width neighbouring taps: tap t of pixel i reads pixel first + origin + i + t.
  template <bool Whole, class Lane>
  TILERY_SIMT static void add_neighbours(Lane lane, const Params& p, shared& smem, const input_row& row,
                                         const tile::tap_row& taps, const tile::depthwise_class& x, int first,
                                         int filter, int column, pack<S, vector> (&sums)[strip]) {
    constexpr int pixels = strip + P.width - 1;
    pack<S, vector> w[P.width];
    TILERY_UNROLL
    for (int t = 0; t < P.width; ++t)
      w[t] = tile::load_tap<P, vector>(lane, p.b, smem, taps, x.first_tap + t * p.a.walk[2].tap_stride, filter, column);
    const int begin = first + x.origin;
    const auto from = row.data + begin * row.step;
    lane.operations(fma_unit<S>, strip * P.width * vector);
    if (on_cpu && begin >= 0 && begin + pixels <= row.extent) {
      TILERY_UNROLL
      for (int j = 0; j < pixels; ++j)
        add_pixel<P.width>(tile::load_channels<S, vector, Whole>(lane, from + j * row.step, row.inside), j, w, sums);
    } else {
      TILERY_UNROLL
      for (int j = 0; j < pixels; ++j) {
        auto pixel = splat<vector>(S(0));
        if (tile::is_inside(begin + j, row.extent))
          pixel = tile::load_channels<S, vector, Whole>(lane, from + j * row.step, row.inside);
        add_pixel<P.width>(pixel, j, w, sums);
      }
    }
  }
  /// Multiplies pixel j of the strip's input by the taps with which it reaches pixels of the strip.
  template <int Width>
  TILERY_SIMT static void add_pixel(const pack<S, vector>& pixel, int j, const pack<S, vector> (&w)[Width],
                                    pack<S, vector> (&sums)[strip]) {
    TILERY_UNROLL
    for (int t = 0; t < Width; ++t)
      if (j - t >= 0 && j - t < strip) sums[j - t] = fma(pixel, w[t], sums[j - t]);
  }

  /// Adds the products of any number of taps, with any stride and dilation.
  template <bool Whole, class Lane>
  TILERY_SIMT static void add_any(Lane lane, const Params& p, shared& smem, const input_row& row,
                                  const tile::tap_row& taps, const tile::depthwise_class& x, int first, int filter,
                                  int column, pack<S, vector> (&sums)[strip]) {
    const int in_step = p.a.walk[2].in_step;
    const std::int64_t step = in_step * row.step;
    TILERY_ROLLED
    for (int t = 0; t < x.taps; ++t) {
      const auto w =
          tile::load_tap<P, vector>(lane, p.b, smem, taps, x.first_tap + t * p.a.walk[2].tap_stride, filter, column);
      const int begin = first * in_step + x.origin + t * p.a.walk[2].tap_step;
      const auto from = row.data + begin * row.step;
      if (on_cpu && begin >= 0 && begin + (strip - 1) * in_step < row.extent) {
        TILERY_UNROLL
        for (int i = 0; i < strip; ++i)
          sums[i] = fma(tile::load_channels<S, vector, Whole>(lane, from + i * step, row.inside), w, sums[i]);
      } else {
        TILERY_UNROLL
        for (int i = 0; i < strip; ++i) {
          if (!tile::is_inside(begin + i * in_step, row.extent)) continue;
          sums[i] = fma(tile::load_channels<S, vector, Whole>(lane, from + i * step, row.inside), w, sums[i]);
          lane.operations(fma_unit<S>, vector);
        }
      }
    }
  }

  /// Computes the values of the strip's pixels from their sums, and stores those that are in bounds.
  template <bool Whole, class Lane, class TileEpilogue>
  TILERY_SIMT static void finish(Lane lane, const Params& p, TileEpilogue& epilogue, const tile::strip_place& place,
                                 int channel, int inside, const pack<S, vector> (&sums)[strip], where at = {}) {
    [[maybe_unused]] const auto step = lane.step("store a strip", at);
    const auto& c = p.c.images;
    const int classes = p.a.walk[2].classes.value;
    const int row = ((place.image * c.extents[0] + place.z) * c.extents[1] + place.y) * c.extents[2];
    const auto to = c.data + (place.image * c.image_stride + place.z * c.strides[0] + place.y * c.strides[1] +
                              channel * c.channel_stride);
    TILERY_UNROLL
    for (int i = 0; i < strip; ++i) {
      const int x = place.width_class + (place.first + i) * classes;
      if (x >= c.extents[2]) break;
      const auto pixel = to + x * c.strides[2];
      auto old = splat<vector>(S(0));
      if (p.beta != S(0)) old = tile::load_channels<S, vector, Whole>(lane, pixel, inside);
      tile::store_channels<Whole>(lane, pixel, inside, p.finish(lane, epilogue, sums[i], old, row + x, channel));
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
