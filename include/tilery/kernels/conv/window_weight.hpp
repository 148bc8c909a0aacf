// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The weight gradient of a convolution of images with few channels, without tensor cores. A block adds up its slice of
// the tiles: it loads the tile's window of x (tile/pixel_window.hpp) and the tile of dy, and adds, pixel after pixel,
// the products of all filters with all columns (a tap and a channel). Another kernel adds up the slices
// (depthwise_totals.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/conv/window_weight_params.hpp>
#include <tilery/tile/register_tile.hpp>

namespace tilery::inline TILERY_ABI {

/// T: the elements of x and dy; S: the accumulation type.
template <conv_window_policy P, class T, class S>
struct conv_window_weight {
  static constexpr auto direction = conv_direction::weight_gradient;
  static_assert(keeps_rules<P, direction, static_cast<int>(sizeof(S))>(), "the policy breaks a rule");

  static constexpr const char* name = "conv_window_weight_gradient";
  static constexpr int threads = P.threads(direction);
  static constexpr bool allows_one_lane = false;
  static constexpr arch lowest = P.lowest;
  using params = window_weight_params<T, S>;
  static constexpr int pitch = P.filter_pitch(sizeof(S));
  struct shared {
    shared_array<S, P.window> window;
    shared_array<S, P.pixels * pitch> gradient;  // (pixel, filter)
  };
  static_assert(sizeof(shared) == P.shared_bytes(direction, sizeof(S)));

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    const tile::window_share mine(P, p, lane.block().x);
    sums_type sums(lane);
    int offsets[n];  // of the lane's columns in a window; columns that do not exist read column 0, and are not stored
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < n; ++j) {
      const int column = mine.column + sums.column(j / quad) + j % quad;
      offsets[j] = column < p.x.columns() ? p.offset(column) : 0;
    }
    TILERY_ROLLED
    for (int number = mine.slice; number < p.x.tiles; number += p.x.step) {
      const window_tile at = p.x.tile(number, P.pixels);
      tile::load_window<threads>(lane, p.x, at, smem.window);
      tile::load_gradient<P, quad, threads>(lane, p, at, mine.filter, [&](int pixel, int filter, const auto& values) {
        lane.store(smem.gradient.at(pixel * pitch + filter), convert<S>(values));
      });
      lane.sync_block();
      multiply(lane, p.x, at, offsets, smem, sums);
      lane.sync_block();
    }
    store(lane, p, mine, sums);
  }

private:
  static constexpr gemm_simt_policy gemm = P.lanes(direction);
  using sums_type = tile::register_tile<gemm, S>;
  static constexpr int quad = sums_type::quad, m = P.part.m, n = P.part.n;

  template <class Lane>
  TILERY_SIMT static void multiply(Lane lane, const window_images<T>& x, const window_tile& t, const int (&offsets)[n],
                                   shared& smem, sums_type& sums) {
    const int tile_width = 1 << x.width_bits;
    const int rows = lesser(P.pixels >> x.width_bits, x.out[1] - t.y), width_here = lesser(tile_width, x.out[2] - t.x);
    TILERY_ROLLED
    for (int row = 0; row < rows; ++row) {
      TILERY_ROLLED
      for (int i = 0; i < width_here; ++i) {
        const int pixel = row * tile_width + i;
        const int at = row * x.walk[1].step * x.pitch + i * x.walk[2].step * x.channels.value;
        typename sums_type::operands now;
        TILERY_UNROLL_ON_GPU
        for (int j = 0; j < m / quad; ++j)
          now.a[j] = lane.load(smem.gradient.at(pixel * pitch + sums.row(j * quad)), width<quad>);
        TILERY_UNROLL_ON_GPU
        for (int j = 0; j < n; ++j) now.b[j / quad].set(j % quad, lane.load(smem.window.at(at + offsets[j])));
        sums.multiply(lane, now);
      }
    }
  }

  template <class Lane>
  TILERY_SIMT static void store(Lane lane, const params& p, const tile::window_share& mine, const sums_type& sums,
                                where at = {}) {
    [[maybe_unused]] const auto step = lane.step("store the sums", at);
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < n; ++j) {
      const int column = mine.column + sums.column(j / quad) + j % quad;
      if (column >= p.x.columns()) continue;
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < m; i += quad) {
        const int filter = mine.filter + sums.row(i);
        if (filter < p.filters) lane.store(p.sums_at(mine.slice, column, filter), sums.transposed_sums(i, j));
      }
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
