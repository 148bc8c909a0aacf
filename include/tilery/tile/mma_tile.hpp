// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A warp's tile of sums on the tensor cores: fragments of A and B come from shared memory one step of k ahead of the
// instructions that use them.
#pragma once

#include <tilery/atoms/matrix_move.hpp>
#include <tilery/atoms/mma_sync.hpp>
#include <tilery/tile/operand_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The fragments of one step of k for policy P: P.warp.m rows of A and P.warp.n columns of B.
template <auto P, class A, class B>
struct mma_step {
  using shape = atoms::mma_shape<A, B>;
  using fragments = atoms::mma_fragments<A, B>;
  static constexpr int m = P.warp.m / shape::m, n = P.warp.n / shape::n;
  static constexpr int warps_n = P.warps_n();

  typename fragments::a_type a[m];
  typename fragments::b_type b[n];

  /// Loads step `k` of the warp's part of two tiles.
  template <class Lane, class ATile, class BTile>
  SIMT void load(Lane lane, ATile& a_tile, BTile& b_tile, int k, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("load fragments", at);
    const int row = lane.warp() / warps_n * P.warp.m, column = lane.warp() % warps_n * P.warp.n;
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < m; ++i) load_16<A, false>(lane, a[i].r, a_tile, row + 16 * i, k);
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < n; j += 2) {
      std::uint32_t both[4];
      load_16<B, true>(lane, both, b_tile, column + 8 * j, k);
      b[j].r[0] = both[0], b[j].r[1] = both[1];
      b[j + 1].r[0] = both[2], b[j + 1].r[1] = both[3];
    }
  }

private:
  /// Four matrices of 8 x 8: 16 along the outer dimension from `outer` on, 16 along k. Of A the second one lies along
  /// the outer dimension; of B, along k.
  template <class T, bool KFirst, class Lane, class Tile>
  SIMT static void load_16(Lane lane, std::uint32_t (&to)[4], Tile& from, int outer, int k) {
    static_assert(sizeof(T) == 2);
    const int in_eight = lane.warp_rank() % 8, second = lane.warp_rank() / 8 % 2, third = lane.warp_rank() / 16;
    const int outer_half = KFirst ? third : second, k_half = KFirst ? second : third;
    constexpr int chunks_a_step = 2;
    if constexpr (Tile::k_major)
      atoms::load_matrices(lane, to, from.at(outer + 8 * outer_half + in_eight, chunks_a_step * k + k_half));
    else
      atoms::load_matrices<4, atoms::matrix_order::transposed>(lane, to,
                                                               from.at(16 * k + 8 * k_half + in_eight,
                                                                       outer / 8 + outer_half));
  }
};

/// The sums of a warp: P.warp.m x P.warp.n elements in its lanes' registers.
template <auto P, class A, class B>
struct mma_sums {
  using shape = atoms::mma_shape<A, B>;
  using sum = typename shape::accumulator;
  using step_type = mma_step<P, A, B>;
  static constexpr int m = step_type::m, n = step_type::n;

  typename atoms::mma_fragments<A, B>::c_type tile[m][n];

  SIMT mma_sums() {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < m; ++i) {
      TILERY_UNROLL_ON_GPU
      for (int j = 0; j < n; ++j) {
        TILERY_UNROLL_ON_GPU
        for (int r = 0; r < shape::c_registers; ++r) tile[i][j].r[r] = sum(0);
      }
    }
  }

  template <class Lane>
  SIMT void multiply(Lane lane, const step_type& operands, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("multiply tiles", at);
    atoms::mma_sync<A, B>(lane, tile, operands.a, operands.b);
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
