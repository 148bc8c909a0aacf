// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Global pooling: the mean or the largest of all pixels of an image, for each channel. A block has an image and some of
// its channels. Each lane reduces every pixel_lanes-th pixel, in parts of at most 256 pixels, so that the error of a
// mean does not grow with the image. The block then combines its lanes in a fixed order. All executors run this code.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/policies/global_pool.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/tile/maximum.hpp>
#include <tilery/tile/pixels.hpp>

namespace tilery::inline TILERY_ABI {

/// y[n, c] = the reduction of x[n, pixel, c]. If the reduction has places (has_place), `indices` receives the number of
/// the maximum's pixel.
template <class T>
struct global_pool_params {
  gmem_images<const T> x;
  std::int32_t pixels;                // of an image
  fast_divisor by_width, by_height;   // split a pixel's number into coordinates
  gmem_matrix<T> y;                   // (n, c)
  gmem_matrix<std::int32_t> indices;  // (n, c)

  /// The offset of a pixel in its image, in elements.
  TILERY_SIMT std::int64_t offset(int pixel) const {
    const int w = by_width.split(pixel), h = by_height.split(pixel);
    return pixel * x.strides[0] + h * x.strides[1] + w * x.strides[2];
  }
};

/// The mean: a sum, divided by the number of pixels.
struct mean_of_pixels {
  static constexpr const char* name = "global_average_pool";
  static constexpr bool has_place = false;

  template <class S, int N>
  struct state {
    pack<S, N> value;
    TILERY_SIMT void begin(std::int32_t) { value = splat<N>(S(0)); }
    TILERY_SIMT void add(const pack<S, N>& x, std::int32_t) { value = value + x; }
    TILERY_SIMT void merge(const state& later) { value = value + later.value; }
    TILERY_SIMT pack<S, N> result(std::int32_t pixels) const { return value / static_cast<S>(pixels); }
  };
};

/// The maximum; if WithPlace, with the number of its pixel.
template <bool WithPlace>
struct maximum_of_pixels {
  static constexpr const char* name = "global_max_pool";
  static constexpr bool has_place = WithPlace;

  template <class S, int N>
  struct state : tile::maximum<S, N, WithPlace> {
    TILERY_SIMT pack<S, N> result(std::int32_t) const { return this->value; }
  };
};

template <global_pool_policy P, class T, class Reduction>
struct global_pool_kernel {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  using accumulator = accumulator_t<T>;
  using index = tile::index_beside<accumulator>;
  using state = typename Reduction::template state<accumulator, P.vector>;
  using params = global_pool_params<T>;
  static constexpr const char* name = Reduction::name;
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = P.threads == 1;
  static constexpr int channels = P.channels(), pixel_lanes = P.pixel_lanes();

  struct shared {
    shared_array<accumulator, (pixel_lanes > 1 ? pixel_lanes * channels : 1)> values;  // (pixel lane, channel)
    shared_array<index, (pixel_lanes > 1 && Reduction::has_place ? pixel_lanes * channels : 1)> places;  // as values
  };

  /// The number of blocks. The blocks of image 0 come first, then those of image 1, and so on.
  static std::int64_t block_count(const params& p) { return std::int64_t{pieces(p.y.columns, channels)} * p.y.rows; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    const int tiles = pieces(p.y.columns, channels);
    const int image = lane.block().x / tiles;
    const int pixel_lane = P.pixels_inner ? lane.rank() % pixel_lanes : lane.rank() / P.channel_lanes;
    const int channel_lane = P.pixels_inner ? lane.rank() / pixel_lanes : lane.rank() % P.channel_lanes;
    const int in_block = channel_lane * P.vector;  // the lane's first channel in the block
    const int channel = lane.block().x % tiles * channels + in_block;

    state all[P.packs];
    TILERY_UNROLL
    for (int i = 0; i < P.packs; ++i) all[i].begin(tile::no_pixel);
    for (int first = pixel_lane; first < p.pixels; first += part * pixel_lanes) {
      state some[P.packs];
      TILERY_UNROLL
      for (int i = 0; i < P.packs; ++i) some[i].begin(first);
      const int end = p.pixels - first < part * pixel_lanes ? p.pixels : first + part * pixel_lanes;
      for (int pixel = first; pixel < end; pixel += pixel_lanes) {
        const auto from = p.x.image(image, 0) + p.offset(pixel);
        TILERY_UNROLL
        for (int i = 0; i < P.packs; ++i) some[i].add(read(lane, p, from, channel + i * step), pixel);
      }
      TILERY_UNROLL
      for (int i = 0; i < P.packs; ++i) all[i].merge(some[i]);
    }

    TILERY_UNROLL
    for (int i = 0; i < P.packs; ++i) {
      if constexpr (pixel_lanes > 1) combine(lane, smem, all[i], pixel_lane, in_block + i * step);
      if (pixel_lane == 0) write(lane, p, image, channel + i * step, all[i]);
    }
  }

private:
  static constexpr int step = P.channel_lanes * P.vector;  // channels from one pack of a lane to its next pack
  static constexpr int part = 256;                         // pixels that a lane reduces before it merges the result

  /// Loads a pack of channels. Channels out of bounds are 0.
  template <class Lane>
  TILERY_SIMT static pack<accumulator, P.vector> read(Lane lane, const params& p, gmem_ptr<const T> pixel,
                                                      int channel) {
    const int channels_of_image = p.y.columns;
    if constexpr (P.vector > 1) {
      if (channel + P.vector <= channels_of_image)
        return tile::load_channels<accumulator>(lane, pixel + channel, width<P.vector>);
    }
    auto values = splat<P.vector>(accumulator(0));
    TILERY_UNROLL
    for (int e = 0; e < P.vector; ++e)
      if (channel + e < channels_of_image)
        values.set(e, convert<accumulator>(lane.load(pixel + (channel + e) * p.x.channel_stride)));
    return values;
  }

  /// Merges the results of the lanes with the same channels into that of pixel lane 0, in the order of the lanes.
  template <class Lane>
  TILERY_SIMT static void combine(Lane lane, shared& smem, state& mine, int pixel_lane, int channel) {
    const int at = pixel_lane * channels + channel;
    lane.store(smem.values.at(at), mine.value);
    if constexpr (Reduction::has_place) lane.store(smem.places.at(at), mine.place);
    lane.sync_block();  // the next pack has other elements of `smem`: one barrier for each pack suffices
    if (pixel_lane != 0) return;
    for (int other = 1; other < pixel_lanes; ++other) {
      state theirs;
      theirs.value = lane.load(smem.values.at(other * channels + channel), width<P.vector>);
      if constexpr (Reduction::has_place)
        theirs.place = lane.load(smem.places.at(other * channels + channel), width<P.vector>);
      mine.merge(theirs);
    }
  }

  /// Writes the results of a pack of channels.
  template <class Lane>
  TILERY_SIMT static void write(Lane lane, const params& p, int image, int channel, const state& all) {
    const auto result = all.result(p.pixels);
    TILERY_UNROLL
    for (int e = 0; e < P.vector; ++e) {
      if (channel + e >= p.y.columns) continue;
      lane.store(p.y.at(image, channel + e), convert<T>(result[e]));
      if constexpr (Reduction::has_place)
        lane.store(p.indices.at(image, channel + e), static_cast<std::int32_t>(all.place[e]));
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
