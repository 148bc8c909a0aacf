// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A warp's tile of sums on the tensor cores: fragments of A and B come from shared memory one step of k ahead of the
// instructions that use them.
#pragma once
#pragma GCC system_header

#include <tilery/atoms/matrix_move.hpp>
#include <tilery/atoms/mma_sync.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/tile/operand_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The type whose instructions multiply elements of T.
template <class T, multiply_as Math>
using mma_type = std::conditional_t<std::is_same_v<T, float> && Math != multiply_as::itself, tf32, T>;

/// The fragments of one step of k for policy P: P.warp.m rows of A and P.warp.n columns of B, elements of type A and B
/// in shared memory.
template <auto P, class A, class B>
struct mma_step {
  using a_mma = mma_type<A, P.math>;
  using b_mma = mma_type<B, P.math>;
  using shape = atoms::mma_shape<a_mma, b_mma>;
  using fragments = atoms::mma_fragments<a_mma, b_mma>;
  static constexpr int m = P.warp.m / shape::m, n = P.warp.n / shape::n;
  static constexpr int warps_n = P.warps_n();

  typename fragments::a_type a[m];
  typename fragments::b_type b[n];

  /// Loads step `k` of the warp's part of two tiles.
  template <class Lane, class ATile, class BTile>
  TILERY_SIMT void load(Lane lane, ATile& a_tile, BTile& b_tile, int k, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("load fragments", at);
    const int row = lane.warp() / warps_n * P.warp.m, column = lane.warp() % warps_n * P.warp.n;
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < m; ++i) {
      if constexpr (by_matrices<A, ATile>)
        load_matrix<false>(lane, a[i].r, a_tile, row + 16 * i, k);
      else
        load_elements<shape::a, false>(lane, a[i].r, a_tile, row, shape::m * i, k * shape::k);
    }
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < n; j += 2) {
      if constexpr (by_matrices<B, BTile>) {
        std::uint32_t both[4];
        load_matrix<true>(lane, both, b_tile, column + 8 * j, k);
        b[j].r[0] = both[0], b[j].r[1] = both[1];
        b[j + 1].r[0] = both[2], b[j + 1].r[1] = both[3];
      } else {
        load_elements<shape::b, true>(lane, b[j].r, b_tile, column, 8 * j, k * shape::k);
        load_elements<shape::b, true>(lane, b[j + 1].r, b_tile, column, 8 * (j + 1), k * shape::k);
      }
    }
  }

private:
  /// ldmatrix keeps 16 bytes along a row together, and turns elements of 2 bytes alone.
  template <class T, class Tile>
  static constexpr bool by_matrices = sizeof(T) <= 4 && (Tile::k_major || sizeof(T) == 2);

  /// Four matrices of 8 rows and 16 bytes: 16 along the outer dimension from `outer` on, step `k` along k, which is 32
  /// bytes. Of A the second one lies along the outer dimension; of B, along k.
  template <bool KFirst, class Lane, class Tile>
  TILERY_SIMT static void load_matrix(Lane lane, std::uint32_t (&to)[4], Tile& from, int outer, int k) {
    const int in_eight = lane.warp_rank() % 8, second = lane.warp_rank() / 8 % 2, third = lane.warp_rank() / 16;
    const int outer_half = KFirst ? third : second, k_half = KFirst ? second : third;
    if constexpr (Tile::k_major)
      atoms::load_matrices(lane, to, from.at(outer + 8 * outer_half + in_eight, 2 * k + k_half));
    else
      atoms::load_matrices<4, atoms::matrix_order::transposed>(lane, to,
                                                               from.at(16 * k + 8 * k_half + in_eight,
                                                                       outer / 8 + outer_half));
  }

  /// In tiles along the outer dimension, bytes and words lie one by one along k: as many addresses as a lane has of
  /// them would take the registers of a block, or spill. A warp's place and those of its elements in it have no digit
  /// in common where its extents are powers of two.
  template <class T, class Tile>
  static constexpr bool from_one_address = sizeof(T) <= 4 && !Tile::k_major && (P.warp.m & (P.warp.m - 1)) == 0 &&
                                           (P.warp.n & (P.warp.n - 1)) == 0;

  /// A fragment at (first + outer, k), `first` being the warp's place, element by element as its map says.
  template <atoms::fragment_map Map, bool KFirst, class Lane, class Register, int N, class Tile>
  TILERY_SIMT static void load_elements(Lane lane, Register (&to)[N], Tile& from, int first, int outer, int k) {
    using T = typename std::remove_reference_t<decltype(from.of(0, 0))>::element_type;
    constexpr int per_register = static_cast<int>(sizeof(Register) / sizeof(T));
    const auto outer_of = [](atoms::row_column at) { return KFirst ? at.column : at.row; };
    const auto k_of = [](atoms::row_column at) { return KFirst ? at.row : at.column; };
    [[maybe_unused]] const auto mine = atoms::fragment_place<Map>(lane.warp_rank(), 0);
    TILERY_UNROLL_ON_GPU
    for (int r = 0; r < N; ++r) {
      pack<T, per_register> held;
      TILERY_UNROLL_ON_GPU
      for (int i = 0; i < per_register; ++i) {
        if constexpr (from_one_address<T, Tile>) {
          const auto more = atoms::fragment_place<Map>(0, r * per_register + i);
          const int offset = Tile::offset_beside(Tile::offset_of(k_of(mine), first + outer_of(mine)), k + k_of(more),
                                                 outer + outer_of(more));
          held.set(i, lane.load(smem_ptr<T>(from.elements + offset)));
        } else {
          const auto place = atoms::fragment_place<Map>(lane.warp_rank(), r * per_register + i);
          held.set(i, lane.load(from.of(first + outer + outer_of(place), k + k_of(place))));
        }
      }
      to[r] = reinterpret<Register>(held);
    }
  }
};

/// The sums of a warp: P.warp.m x P.warp.n elements in its lanes' registers.
template <auto P, class A, class B>
struct mma_sums {
  using step_type = mma_step<P, A, B>;
  using shape = typename step_type::shape;
  using sum = typename shape::accumulator;
  static constexpr int m = step_type::m, n = step_type::n;

  typename step_type::fragments::c_type tile[m][n];

  TILERY_SIMT mma_sums() {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < m; ++i) {
      TILERY_UNROLL_ON_GPU
      for (int j = 0; j < n; ++j) {
        TILERY_UNROLL_ON_GPU
        for (int r = 0; r < shape::c_registers; ++r) tile[i][j].r[r] = sum(0);
      }
    }
  }

  static constexpr int quad = static_cast<int>(16 / sizeof(sum)), packs = m * n;
  static_assert(shape::c_registers == quad);
  /// As many of other blocks have room beside them, while they are on their way (bytes need it for addresses, and fp8
  /// on sm_90 for half); shared memory is what keeps more blocks from a multiprocessor.
  static constexpr bool combined_in_registers = packs <= 16 && sizeof(A) > 1;

  /// Calls f(i, pack) for each of the lane's fragments, 16 bytes each.
  template <class F>
  TILERY_SIMT void for_packs(F f) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < packs; ++i) {
      auto& r = tile[i / n][i % n].r;
      pack<sum, quad> x;
      TILERY_UNROLL
      for (int e = 0; e < quad; ++e) x.set(e, r[e]);
      f(i, x);
      TILERY_UNROLL
      for (int e = 0; e < quad; ++e) r[e] = x[e];
    }
  }

  template <class Lane>
  TILERY_SIMT void multiply(Lane lane, const step_type& operands, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("multiply tiles", at);
    using a_mma = typename step_type::a_mma;
    using b_mma = typename step_type::b_mma;
    if constexpr (P.math == multiply_as::tf32x3) {
      // x = big + small, each a tf32: (big + small) (big + small) without small small, the smallest products first
      const auto a = split<m>(operands.a);
      const auto b = split<n>(operands.b);
      atoms::mma_sync<a_mma, b_mma>(lane, tile, a.small, b.big);
      atoms::mma_sync<a_mma, b_mma>(lane, tile, a.big, b.small);
      atoms::mma_sync<a_mma, b_mma>(lane, tile, a.big, b.big);
    } else {
      atoms::mma_sync<a_mma, b_mma>(lane, tile, operands.a, operands.b);
    }
  }

  /// Adds the sums of others, in whose place there is 0 then.
  TILERY_SIMT void take(mma_sums& others) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < packs; ++i) {
      TILERY_UNROLL_ON_GPU
      for (int r = 0; r < shape::c_registers; ++r) {
        auto& sum_of_others = others.tile[i / n][i % n].r[r];
        tile[i / n][i % n].r[r] += sum_of_others;
        sum_of_others = sum(0);
      }
    }
  }

private:
  template <class Fragment, int N>
  struct halves {
    Fragment big[N], small[N];
  };
  template <int N, class Fragment>
  TILERY_SIMT static halves<Fragment, N> split(const Fragment (&all)[N]) {
    halves<Fragment, N> result;
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < N; ++i) {
      TILERY_UNROLL_ON_GPU
      for (int r = 0; r < static_cast<int>(sizeof(Fragment) / 4); ++r) {
        const std::uint32_t big = all[i].r[r] & 0xffffe000u;  // as the tensor cores cut it
        result.big[i].r[r] = big;
        result.small[i].r[r] = reinterpret<std::uint32_t>(reinterpret<float>(all[i].r[r]) - reinterpret<float>(big));
      }
    }
    return result;
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
