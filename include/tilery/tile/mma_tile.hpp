// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A warp's tile of C on the tensor cores: the fragments of A and B for one step of k (mma_step), and the accumulators
// (mma_sums). A step is the k of one mma instruction. The outer dimension of A is m, that of B is n. The kernel loads
// the fragments of the next step from shared memory while the instructions of the current step execute.
#pragma once
#pragma GCC system_header

#include <tilery/atoms/matrix_move.hpp>
#include <tilery/atoms/mma_sync.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/tile/operand_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The element type of the mma instructions that multiply elements of type T: tf32 for float if Math is tf32 or tf32x3,
/// else T.
template <class T, multiply_as Math>
using mma_type = std::conditional_t<std::is_same_v<T, float> && Math != multiply_as::itself, tf32, T>;

/// The fragments for one step of k under policy P: P.warp.m rows of A and P.warp.n columns of B. A and B are the types
/// of the elements in shared memory.
template <auto P, class A, class B>
struct mma_step {
  using a_mma = mma_type<A, P.math>;
  using b_mma = mma_type<B, P.math>;
  using shape = atoms::mma_shape<a_mma, b_mma>;
  using fragments = atoms::mma_fragments<a_mma, b_mma>;
  static constexpr int m = P.warp.m / shape::m, n = P.warp.n / shape::n;  // fragments of A and of B
  static constexpr int warps_n = P.warps_n();

  typename fragments::a_type a[m];
  typename fragments::b_type b[n];

  /// Loads the warp's fragments for step `k` (shape::k elements along k, from k * shape::k on) from a tile of A and a
  /// tile of B in shared memory.
  template <class Lane, class ATile, class BTile>
  TILERY_SIMT void load(Lane lane, ATile& a_tile, BTile& b_tile, int k, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("load fragments", at);
    load_a(lane, a_tile, k);
    load_b(lane, b_tile, k);
  }
  /// Loads the fragments of A.
  template <class Lane, class ATile>
  TILERY_SIMT void load_a(Lane lane, ATile& a_tile, int k) {
    const int row = lane.warp() / warps_n * P.warp.m;
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < m; ++i) {
      if constexpr (by_matrices<A, ATile>)
        load_matrix<false>(lane, a[i].r, a_tile, row + 16 * i, k);
      else
        load_elements<shape::a, false>(lane, a[i].r, a_tile, row, shape::m * i, k * shape::k);
    }
  }
  /// Loads the fragments of B, of which there is an even number.
  template <class Lane, class BTile>
  TILERY_SIMT void load_b(Lane lane, BTile& b_tile, int k) {
    const int column = lane.warp() % warps_n * P.warp.n;
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < n; j += 2) {  // two fragments of B, which one ldmatrix can load
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
  /// True if ldmatrix loads the fragments of a tile. ldmatrix reads rows of 16 contiguous bytes and gives each lane
  /// 4 bytes of a row, so that an element has at most 4 bytes. A tile whose rows do not run along k must be transposed,
  /// which ldmatrix does for elements of 2 bytes only. Other fragments are loaded element by element.
  template <class T, class Tile>
  static constexpr bool by_matrices = sizeof(T) <= 4 && (Tile::k_major || sizeof(T) == 2);

  /// Loads four matrices of 8 rows of 16 bytes, which are one fragment of A or two of B. Together they have 16 elements
  /// along the outer dimension, from `outer` on, and the 32 bytes along k of step `k`. For A, the second matrix follows
  /// the first one along the outer dimension, and the third follows it along k. For B (KFirst = true) the second
  /// follows along k, the third along the outer dimension.
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

  /// True if a lane computes the addresses of all elements of its fragments from one base address and constants
  /// (offset_beside() of swizzled_tile.hpp). In a tile that is contiguous along the outer dimension (m of A, n of B),
  /// elements of 1 and 4 bytes are loaded one by one along k; an address register for each element would cost one
  /// resident block per SM, or spill. One base address suffices if the offsets of the warp and the offsets of the
  /// elements within the warp's tile use disjoint bits. They do if the extents of the warp's tile are powers of two.
  template <class T, class Tile>
  static constexpr bool from_one_address = sizeof(T) <= 4 && !Tile::k_major && (P.warp.m & (P.warp.m - 1)) == 0 &&
                                           (P.warp.n & (P.warp.n - 1)) == 0;

  /// Loads the fragment at (first + outer, k) of the tile, element by element; k is in elements, not in steps. Along
  /// the outer dimension, `first` is the offset of the warp's part in the tile, and `outer` is the offset of the
  /// fragment in this part. Map (atoms/fragment_map.hpp) gives the position of each element of a lane in the fragment.
  /// KFirst is true for B: in its fragments, the row of an element is its k.
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
  static constexpr int m = step_type::m, n = step_type::n;  // instructions along m and n

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

  /// quad: accumulators of a 16-byte pack. packs: packs of a lane. A lane's accumulators of one instruction are one
  /// pack.
  static constexpr int quad = static_cast<int>(16 / sizeof(sum)), packs = m * n;
  static_assert(shape::c_registers == quad);
  /// True if the registers have room for a second set of accumulators: for the sums that another block has stored
  /// (combine_sums.hpp). They have room for at most 16 packs: shared memory, not registers, then limits the number of
  /// resident blocks per SM. For elements of 1 byte they have no room: addresses take the registers, and so does, on
  /// sm_90, the conversion of fp8 to half.
  static constexpr bool combined_in_registers = packs <= 16 && sizeof(A) > 1;

  /// Calls f(i, pack) for pack i of the lane's accumulators, 16 bytes each. f may change the pack.
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

  /// sums += A B for one step of k, whose fragments are `operands`.
  template <class Lane>
  TILERY_SIMT void multiply(Lane lane, const step_type& operands, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("multiply tiles", at);
    using a_mma = typename step_type::a_mma;
    using b_mma = typename step_type::b_mma;
    if constexpr (P.math == multiply_as::tf32x3) {
      // Each operand is split: x = big + small. big is a tf32; small has up to 13 significant bits, of which tensor
      // cores use the upper 11. The product of the two small parts is left out. The two mixed products, which are
      // small, are added before big * big.
      const auto a = split<m>(operands.a);
      const auto b = split<n>(operands.b);
      atoms::mma_sync<a_mma, b_mma>(lane, tile, a.small, b.big);
      atoms::mma_sync<a_mma, b_mma>(lane, tile, a.big, b.small);
      atoms::mma_sync<a_mma, b_mma>(lane, tile, a.big, b.big);
    } else {
      atoms::mma_sync<a_mma, b_mma>(lane, tile, operands.a, operands.b);
    }
  }

  /// Adds the accumulators of `others` to these, and sets `others` to 0. For fp8 the kernel sums the k of each pipeline
  /// stage separately, because a sum of fp8 products has only 13 fraction bits in the tensor cores of sm_89.
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
  /// Floats x = big + small: big has the digits of a tf32, small the rest.
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
        const std::uint32_t big = all[i].r[r] & 0xffffe000u;  // tf32: sign, exponent, 10 fraction bits
        result.big[i].r[r] = big;
        result.small[i].r[r] = reinterpret<std::uint32_t>(reinterpret<float>(all[i].r[r]) - reinterpret<float>(big));
      }
    }
    return result;
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
