// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A warp's tile of C on the tensor cores. The fragments of A and B for one step of k are loaded from shared memory
// while the instructions of the step before are executed.
#pragma once
#pragma GCC system_header

#include <tilery/atoms/matrix_move.hpp>
#include <tilery/atoms/mma_sync.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/tile/operand_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The element type of the instructions that multiply elements of T.
template <class T, multiply_as Math>
using mma_type = std::conditional_t<std::is_same_v<T, float> && Math != multiply_as::itself, tf32, T>;

/// The fragments for one step of k under policy P: P.warp.m rows of A and P.warp.n columns of B. In shared memory the
/// elements have the types A and B.
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

  /// Loads the warp's fragments for step `k` from two tiles.
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
  /// True if ldmatrix can load the fragments of a tile. ldmatrix loads rows of 16 contiguous bytes, and can transpose
  /// elements of 2 bytes only.
  template <class T, class Tile>
  static constexpr bool by_matrices = sizeof(T) <= 4 && (Tile::k_major || sizeof(T) == 2);

  /// Loads four matrices of 8 rows of 16 bytes: 16 elements along the outer dimension, from `outer` on, and 32 bytes
  /// along k, which is step `k`. The second matrix follows the first along the outer dimension for A, and along k for B
  /// (KFirst).
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

  /// True if a lane addresses all elements of a fragment from one base address plus constants. In tiles that are
  /// contiguous along the outer dimension, elements of 1 and 4 bytes are loaded one by one along k. An address register
  /// for each would cost a resident block, or spill. The base address serves if the offset of the warp and the offsets
  /// of the elements within it use disjoint bits: if the extents of the warp's tile are powers of two.
  template <class T, class Tile>
  static constexpr bool from_one_address = sizeof(T) <= 4 && !Tile::k_major && (P.warp.m & (P.warp.m - 1)) == 0 &&
                                           (P.warp.n & (P.warp.n - 1)) == 0;

  /// Loads the fragment at (first + outer, k), element by element as its map says. `first` is the offset of the warp in
  /// the tile.
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

/// The accumulators of a warp: P.warp.m x P.warp.n elements in the registers of its lanes.
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
  /// True if combine_sums may load another block's sums into registers. A second set of at most 16 packs fits: shared
  /// memory, not registers, limits the blocks of an SM. For elements of 1 byte it does not fit, because addresses take
  /// the registers, and on sm_90 the conversion of fp8 to half.
  static constexpr bool combined_in_registers = packs <= 16 && sizeof(A) > 1;

  /// Calls f(i, pack) for each 16-byte pack of the lane's accumulators.
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
      // Each operand is split: x = big + small, both tf32. The product small small is left out; the smaller products
      // are added first.
      const auto a = split<m>(operands.a);
      const auto b = split<n>(operands.b);
      atoms::mma_sync<a_mma, b_mma>(lane, tile, a.small, b.big);
      atoms::mma_sync<a_mma, b_mma>(lane, tile, a.big, b.small);
      atoms::mma_sync<a_mma, b_mma>(lane, tile, a.big, b.big);
    } else {
      atoms::mma_sync<a_mma, b_mma>(lane, tile, operands.a, operands.b);
    }
  }

  /// Adds the sums of `others`, and sets `others` to 0.
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
        const std::uint32_t big = all[i].r[r] & 0xffffe000u;  // the bits that tensor cores use of a float
        result.big[i].r[r] = big;
        result.small[i].r[r] = reinterpret<std::uint32_t>(reinterpret<float>(all[i].r[r]) - reinterpret<float>(big));
      }
    }
    return result;
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
