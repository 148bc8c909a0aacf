// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The forward convolution of images with few channels, on tensor cores. As in window.hpp, a block keeps its filters in
// shared memory and loads one window after another. The fragments of the pixels are read straight from the window: 32
// bits, two columns of 16-bit elements or one of tf32, at pixel(i) + column(k). No matrix of patches exists, in shared
// memory neither.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/gemm/params.hpp>
#include <tilery/tile/staged_store.hpp>
#include <tilery/tile/window_filter.hpp>

namespace tilery::inline TILERY_ABI {

/// Params is product_params (kernels/gemm/params.hpp) of window_images, pixel_panel (the filter) and pixel_matrix.
template <conv_window_policy P, class Params>
struct conv_window_mma_sync {
  using T = typename Params::a_type;
  static constexpr auto direction = conv_direction::forward;
  static_assert(keeps_rules<P, direction, static_cast<int>(sizeof(T))>(), "the policy breaks a rule");

  static constexpr const char* name = "conv_window_mma_sync";
  static constexpr int threads = P.threads(direction);
  static constexpr bool allows_one_lane = false;
  static constexpr arch lowest = P.lowest;

private:
  static constexpr gemm_mma_sync_policy gemm = P.warps(direction);
  using sums_type = tile::mma_sums<gemm, T, T>;
  using step_type = tile::mma_step<gemm, T, T>;
  using shape = typename sums_type::shape;
  static constexpr int pair = shape::per_register;  // columns of a register
  static constexpr int pitch = P.filter_pitch(sizeof(T));

  /// The filters, as the tile of B that mma_step::load_b() reads.
  struct filter_rows {
    static constexpr bool k_major = true;
    shared_array<T, P.filters * pitch> elements;  // (filter, column)

    TILERY_SIMT smem_ptr<T> at(int filter, int chunk) {
      return elements.at(filter * pitch + chunk * static_cast<int>(16 / sizeof(T)));
    }
  };
  using rows = tile::stage_rows<gemm, typename shape::accumulator, shape::m>;

public:
  static constexpr features needs = features::ldmatrix | shape::needs;
  union window_or_sums {
    shared_array<T, P.window> window;
    rows sums[threads / 32];  // after the multiplication
  };
  struct alignas(128) shared {
    window_or_sums tile;
    filter_rows filter;
    // For each register of columns: the offset in a window, and a mask without the bits of columns that do not exist. x
    // may be NaN there, and NaN times 0 is NaN.
    shared_array<std::int32_t, 2 * P.columns / pair> columns;
  };
  static_assert(sizeof(shared) == P.shared_bytes(direction, sizeof(T)));

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& p, shared& smem) {
    const int column_tiles = pieces(p.c.columns, P.filters), first = lane.block().x / column_tiles;
    const int column = (lane.block().x - first * column_tiles) * P.filters;
    const int columns = pieces(p.a.columns(), shape::k) * shape::k;
    tile::stage_filter<P, 32, threads>(lane, p.a, p.b, column, columns, [&](int k, int n, T value) {
      lane.store(smem.filter.elements.at(n * pitch + k), value);
    });
    stage_columns(lane, p.a, columns, smem);
    using S = typename Params::accumulator;
    auto epilogue = epilogue::in_tile<S, each, packs_beside * quad / each>(p.epilogue);
    TILERY_ROLLED
    for (int number = first; number < p.a.tiles; number += p.a.step) {
      const window_tile at = p.a.tile(number, P.pixels);
      tile::load_window<threads>(lane, p.a, at, smem.tile.window);
      lane.sync_block();
      sums_type sums;
      multiply(lane, p, columns, smem, sums);
      lane.sync_block();  // the sums take the place of the window
      store(lane, p, epilogue, at, column, smem.tile.sums[lane.warp()], sums);
      lane.sync_block();
    }
    epilogue.end(lane);
  }

private:
  static constexpr int quad = sums_type::quad, quads = P.part.n / quad;
  static constexpr int packs_beside = quads <= 32 ? 1 : quads / 32;  // packs that a lane stores in a row of y
  static constexpr int each = tile::epilogue_pack<Params, P.c_vector, quad>;

  template <class Lane>
  TILERY_SIMT static void stage_columns(Lane lane, const window_images<T>& from, int columns, shared& smem) {
    for (int i = lane.rank(); i < columns / pair; i += threads) {
      pack<std::int32_t, 2> both = splat<2>(0);
      const window_column c = from.column(i * pair);
      if (i * pair < from.columns()) {
        const bool whole = pair == 1 || from.column(i * pair + pair - 1).exists;
        both.set(0, from.offset(c)), both.set(1, whole ? -1 : 0xffff);
      }
      lane.store(smem.columns.at(2 * i), both);
    }
  }

  template <class Lane>
  TILERY_SIMT static void multiply(Lane lane, const Params& p, int columns, shared& smem, sums_type& sums,
                                   where at = {}) {
    const int row = lane.warp() / gemm.warps_n() * P.part.m;
    int pixels[sums_type::m][2];  // offsets in the window of the rows of each fragment, r and r + 8
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < sums_type::m; ++i) {
      TILERY_UNROLL_ON_GPU
      for (int h = 0; h < 2; ++h) {
        const int offset = p.a.pixel(row + shape::m * i + 8 * h + lane.warp_rank() / 4);
        pixels[i][h] = p.a.copy > 0 && offset % 2 ? p.a.copy + offset - 1 : offset;
      }
    }
    TILERY_ROLLED
    for (int k = 0; k < columns; k += shape::k) {
      step_type now;
      [[maybe_unused]] const auto step = lane.step("load fragments", at);
      TILERY_UNROLL_ON_GPU
      for (int h = 0; h < 2; ++h) {  // the halves of the instruction's k
        const auto column = lane.load(smem.columns.at(2 * (k / pair + 4 * h + lane.warp_rank() % 4)), width<2>);
        TILERY_UNROLL_ON_GPU
        for (int i = 0; i < sums_type::m; ++i) {
          TILERY_UNROLL_ON_GPU
          for (int r = 0; r < 2; ++r) {
            const auto held = lane.load(smem.tile.window.at(pixels[i][r] + column[0]), width<pair>);
            now.a[i].r[2 * h + r] = reinterpret<std::uint32_t>(held) & static_cast<std::uint32_t>(column[1]);
          }
        }
      }
      now.load_b(lane, smem.filter, k / shape::k);
      sums.multiply(lane, now);
    }
  }

  /// Stores the sums through shared memory, as tile::store_through() (tile/staged_store.hpp) does for a GEMM.
  template <class Lane, class TileEpilogue>
  TILERY_SIMT static void store(Lane lane, const Params& p, TileEpilogue& epilogue, const window_tile& t, int column,
                                rows& staged, const sums_type& sums, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("store the tile", at);
    const int first = lane.warp() / gemm.warps_n() * P.part.m;
    column += lane.warp() % gemm.warps_n() * P.part.n;
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < sums_type::m; ++i) {
      TILERY_UNROLL_ON_GPU
      for (int j = 0; j < sums_type::n; ++j) {
        TILERY_UNROLL_ON_GPU
        for (int r = 0; r < shape::c_registers; r += 2) {
          const auto to = atoms::fragment_place<shape::c>(lane.warp_rank(), r);
          pack<typename shape::accumulator, 2> both;
          both.set(0, sums.tile[i][j].r[r]), both.set(1, sums.tile[i][j].r[r + 1]);
          lane.store(staged.at(to.row, shape::n * j + to.column), both);
        }
      }
      lane.sync_warp();
      for (int q = lane.warp_rank(); q < shape::m * quads; q += Lane::warp_size)
        tile::store_sums<P.c_vector>(lane, p, epilogue, p.a.pixel_number(t, first + shape::m * i + q / quads),
                                     column + q % quads * quad,
                                     convert<typename Params::accumulator>(
                                         lane.load(staged.at(q / quads, q % quads * quad), width<quad>)));
      lane.sync_warp();
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
