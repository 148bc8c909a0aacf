// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The forward convolution of images with few channels, without tensor cores. A block keeps its filters in shared
// memory, and computes one tile of pixels after another: it loads the tile's window (tile/pixel_window.hpp), and
// multiplies each column of the filters (a tap and a channel) by what the tile's pixels read there.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/gemm/params.hpp>
#include <tilery/tile/epilogue_step.hpp>
#include <tilery/tile/register_tile.hpp>
#include <tilery/tile/store_sums.hpp>
#include <tilery/tile/window_filter.hpp>

namespace tilery::inline TILERY_ABI {

/// Params is product_params (kernels/gemm/params.hpp) of window_images, pixel_panel (the filter) and pixel_matrix.
template <conv_window_policy P, class Params>
struct conv_window {
  using S = typename Params::accumulator;
  static constexpr auto direction = conv_direction::forward;
  static_assert(keeps_rules<P, direction, static_cast<int>(sizeof(S))>(), "the policy breaks a rule");

  static constexpr const char* name = "conv_window";
  static constexpr int threads = P.threads(direction);
  static constexpr bool allows_one_lane = false;
  static constexpr arch lowest = P.lowest;
  /// Blocks for which the registers of an SM must suffice: 128 registers a thread.
  static constexpr int resident = threads < 512 ? 512 / threads : 1;
  static constexpr int pitch = P.filter_pitch(sizeof(S));
  struct shared {
    shared_array<S, P.window> window;
    shared_array<S, P.columns * pitch> filter;      // (column, filter)
    shared_array<std::int32_t, P.columns> offsets;  // of the columns in a window
  };
  static_assert(sizeof(shared) == P.shared_bytes(direction, sizeof(S)));

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& p, shared& smem) {
    const int column_tiles = pieces(p.c.columns, P.filters), first = lane.block().x / column_tiles;
    const int column = (lane.block().x - first * column_tiles) * P.filters;
    const int columns = p.a.columns();
    tile::stage_filter<P, 8, threads>(lane, p.a, p.b, column, columns, [&](int k, int n, auto value) {
      lane.store(smem.filter.at(k * pitch + n), convert<S>(value));
    });
    for (int k = lane.rank(); k < columns; k += threads) lane.store(smem.offsets.at(k), p.a.offset(p.a.column(k)));
    auto epilogue = epilogue::in_tile<S, each, P.part.n / each>(p.epilogue);
    TILERY_ROLLED
    for (int number = first; number < p.a.tiles; number += p.a.step) {
      const window_tile at = p.a.tile(number, P.pixels);
      tile::load_window<threads>(lane, p.a, at, smem.window);
      lane.sync_block();
      sums_type sums(lane);
      multiply(lane, p, columns, smem, sums);
      store(lane, p, epilogue, at, column, sums);
      lane.sync_block();
    }
    epilogue.end(lane);
  }

private:
  static constexpr gemm_simt_policy gemm = P.lanes(direction);
  using sums_type = tile::register_tile<gemm, S>;
  static constexpr int quad = sums_type::quad, m = P.part.m, packs = P.part.n / quad;
  static constexpr int each = tile::epilogue_pack<Params, P.c_vector, quad>;
  static constexpr int unroll = 4;  // columns

  /// The pixel of the tile whose sums are in a row of the register tile. In a register tile each lane has `quad` rows
  /// that are neighbours; here neighbouring lanes have neighbouring pixels: what they read from the window is then in
  /// different banks for most strides.
  TILERY_SIMT static constexpr int pixel_of(int row) {
    constexpr int group = gemm.warp_m * quad;
    const int in_group = row % group;
    return row - in_group + in_group % quad * gemm.warp_m + in_group / quad;
  }

  template <class Lane>
  TILERY_SIMT static void multiply(Lane lane, const Params& p, int columns, shared& smem, sums_type& sums) {
    int pixels[m];  // offsets in the window
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < m; ++i) pixels[i] = p.a.pixel(pixel_of(sums.row(i)));
    const auto add = [&](int k, int offset) {
      typename sums_type::operands now;
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < m; ++i) now.a[i / quad].set(i % quad, lane.load(smem.window.at(pixels[i] + offset)));
      TILERY_UNROLL_ON_GPU
      for (int j = 0; j < packs; ++j) now.b[j] = lane.load(smem.filter.at(k * pitch + sums.column(j)), width<quad>);
      sums.multiply(lane, now);
    };
    int k = 0;
    TILERY_ROLLED
    for (; k + unroll <= columns; k += unroll) {
      const auto offsets = lane.load(smem.offsets.at(k), width<unroll>);
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < unroll; ++i) add(k + i, offsets[i]);
    }
    TILERY_ROLLED
    for (; k < columns; ++k) add(k, lane.load(smem.offsets.at(k)));
  }

  template <class Lane, class TileEpilogue>
  TILERY_SIMT static void store(Lane lane, const Params& p, TileEpilogue& epilogue, const window_tile& t, int column,
                                const sums_type& sums, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("store the tile", at);
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < m; ++i) {
      const int row = p.a.pixel_number(t, pixel_of(sums.row(i)));
      TILERY_UNROLL_ON_GPU
      for (int j = 0; j < packs; ++j)
        tile::store_sums<P.c_vector>(lane, p, epilogue, row, column + sums.column(j), sums.sums(i, j));
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
