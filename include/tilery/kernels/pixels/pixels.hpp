// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernel of all ops that compute each pixel of a tensor from a few pixels of another tensor (pooling, upsampling,
// padding, and their gradients). Params::step computes some channels of one pixel. This kernel calls it for all
// channels of all pixels of the output. No two lanes write the same element, so gradients need no atomics.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/policies/pixel.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/tile/pixels.hpp>

namespace tilery::inline TILERY_ABI {

/// Params have `name`, `walk` (a tile::pixel_walk over the output), and two functions. along(lane, i, place) returns
/// data that all pixels with the coordinate `place` in spatial dimension i share, such as the elements of their
/// windows. step<Packs>(lane, pixel, d, h, w, channel, width<N>) computes Packs packs of N channels of a pixel, from
/// `channel` on; d, h and w are the results of along() for the pixel's coordinates.
template <pixel_policy P, class Params>
struct pixels_kernel {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static constexpr const char* name = Params::name;
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = P.threads == 1;
  static constexpr int resident = P.threads < 768 ? 768 / P.threads : 1;  // 80 registers suffice: 768 threads fit an SM
  using shared = no_shared;

  /// The number of blocks. On a GPU each block has `threads` items, packs of channels of one pixel; on the CPU each
  /// block has a part of a row of pixels, with all channels.
  static std::int64_t block_count(const tile::pixel_walk& all) {
    if constexpr (P.lowest == arch::cpu)
      return std::int64_t{all.images} * all.depth * all.height * pieces(all.width, P.pixels);
    else
      return pieces(all.items, P.threads);
  }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& p, shared&) {
    if constexpr (Lane::is_whole_block) {
      run_row(lane, p);
    } else {
      const int item = lane.block().x * threads + lane.rank();
      if (item >= p.walk.items) return;
      int pack;
      const tile::pixel_place pixel = p.walk.locate(item, pack);
      p.template step<1>(lane, pixel, p.along(lane, 0, pixel.at[0]), p.along(lane, 1, pixel.at[1]),
                         p.along(lane, 2, pixel.at[2]), pack * P.vector, width<P.vector>);
    }
  }

private:
  /// Computes the block's part of a row of pixels. The results of along() are computed once for each column, not once
  /// for each channel.
  template <class Lane>
  TILERY_SIMT static void run_row(Lane lane, const Params& params) {
    const Params p = params;  // a local copy: the compiler knows that no store changes it
    const tile::pixel_walk& all = p.walk;
    const int pieces_a_row = pieces(all.width, P.pixels);
    const int begin = lane.block().x % pieces_a_row * P.pixels, count = lesser(P.pixels, all.width - begin);
    int rest = lane.block().x / pieces_a_row;
    tile::pixel_place pixel;
    pixel.at[1] = rest % all.height, rest /= all.height;
    pixel.at[0] = rest % all.depth, pixel.image = rest / all.depth;
    const auto d = p.along(lane, 0, pixel.at[0]), h = p.along(lane, 1, pixel.at[1]);
    std::remove_const_t<decltype(d)> across[P.pixels];
    for (int i = 0; i < count; ++i) across[i] = p.along(lane, 2, begin + i);

    if (all.channels_inner) {
      for (int i = 0; i < count; ++i) {
        pixel.at[2] = begin + i;
        run_pixel(lane, p, pixel, d, h, across[i]);
      }
    } else {
      for (int channel = 0; channel < all.packs; ++channel)
        for (int i = 0; i < count; ++i) {
          pixel.at[2] = begin + i;
          p.template step<1>(lane, pixel, d, h, across[i], channel, width<1>);
        }
    }
  }

  /// Computes all channels of a pixel: as many packs at once as the policy says, then single packs, then single
  /// channels.
  template <class Lane, class Along>
  TILERY_SIMT static void run_pixel(Lane lane, const Params& p, tile::pixel_place pixel, const Along& d, const Along& h,
                                    const Along& w) {
    const int channels = p.walk.packs;
    int c = 0;
    if constexpr (P.vector > 1) {
      for (; c + P.packs * P.vector <= channels; c += P.packs * P.vector)
        p.template step<P.packs>(lane, pixel, d, h, w, c, width<P.vector>);
      for (; c + P.vector <= channels; c += P.vector) p.template step<1>(lane, pixel, d, h, w, c, width<P.vector>);
    }
    for (; c < channels; ++c) p.template step<1>(lane, pixel, d, h, w, c, width<1>);
  }
};

}  // namespace tilery::inline TILERY_ABI
