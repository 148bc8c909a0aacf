// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters that all GEMM kernels share.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/tile/combine_sums.hpp>
#include <tilery/tile/epilogue.hpp>
#include <tilery/tile/panel.hpp>

namespace tilery::inline TILERY_ABI {

/// GEMMs of one shape: `count` of them, and the elements from one A, B and C to the next. A stride of 0 is one operand
/// for all.
struct gemm_batch {
  std::int32_t count = 1;
  std::int64_t a = 0, b = 0, c = 0;
};

/// A tile that a block is to compute: of which GEMM, its number in the batch, and the tile's in it.
template <class Params>
struct gemm_tile {
  const Params& p;
  std::uint32_t index;
  std::int32_t tile;
};

/// C (m x n) = epilogue(alpha A B + beta C), with A (m x k) and B (k x n). Sums are kept in Accumulator.
template <class A, class B, class C, class Accumulator, class Epilogue>
struct gemm_params {
  using a_type = A;
  using b_type = B;
  using c_type = C;
  using accumulator = Accumulator;
  using epilogue_type = Epilogue;

  panel<A> a;  // (m, k)
  panel<B> b;  // (n, k)
  gmem_matrix<C> c;
  Accumulator alpha, beta;
  Epilogue epilogue;
  float scale = 1;  // of a C of 8 bits
  gemm_batch batch = {};
  bool is_transposed = false;  // a is B's panel and b is A's: what is computed is C's transpose (n, m)
  std::int32_t first_row = 0;  // what the epilogue takes C's row 0 for: a batch is one C below the other
  tile::shared_sums<accumulator_t<A>> work = {};

  /// Of what is computed: C, or its transpose.
  TILERY_SIMT int rows() const { return is_transposed ? c.columns : c.rows; }
  TILERY_SIMT int columns() const { return is_transposed ? c.rows : c.columns; }

  /// The same as C^T = B^T A^T.
  gemm_params transposed() const {
    static_assert(std::is_same_v<A, B>);
    gemm_params other = *this;
    other.a = b, other.b = a, other.batch.a = batch.b, other.batch.b = batch.a, other.is_transposed = !is_transposed;
    return other;
  }

  /// The GEMM that has tile `number` of a batch in policy P.
  template <auto P>
  TILERY_SIMT gemm_tile<gemm_params> find(int number) const {
    int index = 0;
    if (batch.count > 1) {
      const tile_mn cut = tile_extents(P.block, P.m_is_longer_side, rows(), columns());
      const int tiles = pieces(rows(), cut.m) * pieces(columns(), cut.n);
      index = number / tiles, number -= index * tiles;
    }
    return {*this, static_cast<std::uint32_t>(index), number};
  }
  /// A, B, and what C is stored with, of one GEMM of the batch.
  TILERY_SIMT panel<A> a_of(std::uint32_t index) const { return a.moved(index * batch.a); }
  TILERY_SIMT panel<B> b_of(std::uint32_t index) const { return b.moved(index * batch.b); }
  TILERY_SIMT gemm_params c_of(std::uint32_t index) const {
    gemm_params one = *this;
    one.c.data = c.data + index * batch.c;
    one.first_row = static_cast<int>(index) * c.rows;
    return one;
  }

  /// What becomes of N sums that belong at (row, column...) of C, with the tile's copy of the epilogue.
  template <class Lane, class TileEpilogue, int N>
  TILERY_SIMT pack<Accumulator, N> finish(Lane lane, TileEpilogue& tile_epilogue, pack<Accumulator, N> sums,
                                          pack<Accumulator, N> old, int row, int column) const {
    sums = sums * alpha;
    if (beta != Accumulator(0)) sums = fma(old, splat<N>(beta), sums);  // a beta of 0 ignores C, NaN included
    sums = tile_epilogue(lane, sums, first_row + row, column);
    if constexpr (sizeof(C) == 1) sums = sums * static_cast<Accumulator>(scale);
    return sums;
  }
};

}  // namespace tilery::inline TILERY_ABI
