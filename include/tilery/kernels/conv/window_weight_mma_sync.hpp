// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The weight gradient of a convolution of images with few channels, on tensor cores. As in window_weight.hpp, a block
// adds up its slice of the tiles. Fragments of dy are loaded from a tile in shared memory; those of x are read from the
// window, where the elements of two pixels, which a register holds, are loaded one by one. Another kernel adds up the
// slices (depthwise_totals.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/conv/window_weight_params.hpp>
#include <tilery/tile/mma_tile.hpp>

namespace tilery::inline TILERY_ABI {

/// T: the elements of x and dy.
template <conv_window_policy P, class T>
struct conv_window_weight_mma_sync {
  static constexpr auto direction = conv_direction::weight_gradient;
  static_assert(keeps_rules<P, direction, static_cast<int>(sizeof(T))>(), "the policy breaks a rule");

private:
  static constexpr gemm_mma_sync_policy gemm = P.warps(direction);
  using sums_type = tile::mma_sums<gemm, T, T>;
  using step_type = tile::mma_step<gemm, T, T>;
  using shape = typename sums_type::shape;
  static constexpr int pair = shape::per_register;  // pixels of a register
  static_assert(shape::k <= 16, "the pixels of an instruction must be in one row of a tile");

public:
  static constexpr const char* name = "conv_window_weight_gradient_mma_sync";
  static constexpr int threads = P.threads(direction);
  static constexpr features needs = features::ldmatrix | shape::needs;
  static constexpr bool allows_one_lane = false;
  static constexpr arch lowest = P.lowest;
  using params = window_weight_params<T, float>;
  using gradient_tile = tile::operand_tile<T, P.filters, P.pixels, along::outer>;
  struct shared {
    gradient_tile gradient;  // (pixel, filter)
    shared_array<T, P.window> window;
  };
  static_assert(sizeof(shared) == P.shared_bytes(direction, sizeof(T)));

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    const tile::window_share mine(P, p, lane.block().x);
    const int first = mine.column + lane.warp() % gemm.warps_n() * P.part.n;
    int offsets[sums_type::n];  // of the lane's columns in a window, as in window_weight.hpp
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < sums_type::n; ++j) {
      const int column = first + shape::n * j + lane.warp_rank() / 4;
      offsets[j] = column < p.x.columns() ? p.offset(column) : 0;
    }
    sums_type sums;
    TILERY_ROLLED
    for (int number = mine.slice; number < p.x.tiles; number += p.x.step) {
      const window_tile at = p.x.tile(number, P.pixels);
      tile::load_window<threads>(lane, p.x, at, smem.window);
      tile::load_gradient<P, gradient_tile::per_chunk,
                          threads>(lane, p, at, mine.filter, [&](int pixel, int filter, const auto& values) {
        lane.store(smem.gradient.at(pixel, filter / gradient_tile::per_chunk), values);
      });
      lane.sync_block();
      multiply(lane, p.x, at, offsets, smem, sums);
      lane.sync_block();
    }
    store(lane, p, mine, first, sums);
  }

private:
  template <class Lane>
  TILERY_SIMT static void multiply(Lane lane, const window_images<T>& x, const window_tile& t,
                                   const int (&offsets)[sums_type::n], shared& smem, sums_type& sums, where at = {}) {
    const int tile_width = 1 << x.width_bits, from_pixel = x.walk[2].step * x.channels.value;
    const int mine = lane.warp_rank() % 4 * pair;  // the first pixel of the lane's first register
    TILERY_ROLLED
    for (int k = 0; k < P.pixels; k += shape::k) {
      const int row = k >> x.width_bits, column = k & (tile_width - 1);
      const int left = t.y + row < x.out[1] ? x.out[2] - t.x - column : 0;  // pixels in bounds
      if (left <= 0) continue;
      step_type now;
      [[maybe_unused]] const auto step = lane.step("load fragments", at);
      now.load_a(lane, smem.gradient, k / shape::k);
      const int pixel = row * x.walk[1].step * x.pitch + (column + mine) * from_pixel;
      TILERY_UNROLL_ON_GPU
      for (int r = 0; r < shape::b_registers; ++r) {
        TILERY_UNROLL_ON_GPU
        for (int j = 0; j < sums_type::n; ++j) {
          pack<T, pair> held = splat<pair>(convert<T>(0.0f));
          TILERY_UNROLL_ON_GPU
          for (int e = 0; e < pair; ++e) {
            // A pixel out of bounds counts as 0: it may read NaN or infinities, whose products with 0 are NaN.
            const int in_step = r * 4 * pair + e;
            if (mine + in_step < left)
              held.set(e, lane.load(smem.window.at(pixel + in_step * from_pixel + offsets[j])));
          }
          now.b[j].r[r] = reinterpret<std::uint32_t>(held);
        }
      }
      sums.multiply(lane, now);
    }
  }

  template <class Lane>
  TILERY_SIMT static void store(Lane lane, const params& p, const tile::window_share& mine, int first,
                                const sums_type& sums, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("store the sums", at);
    const int row = mine.filter + lane.warp() / gemm.warps_n() * P.part.m;
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < sums_type::m; ++i) {
      TILERY_UNROLL_ON_GPU
      for (int j = 0; j < sums_type::n; ++j) {
        TILERY_UNROLL_ON_GPU
        for (int r = 0; r < shape::c_registers; ++r) {
          const auto to = atoms::fragment_place<shape::c>(lane.warp_rank(), r);
          const int filter = row + shape::m * i + to.row, column = first + shape::n * j + to.column;
          if (filter < p.filters && column < p.x.columns())
            lane.store(p.sums_at(mine.slice, column, filter), sums.tile[i][j].r[r]);
        }
      }
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
