// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of the GEMM kernels: operands, factors, epilogue, batch, and how the blocks share the tiles of C.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/tile/combine_sums.hpp>
#include <tilery/tile/epilogue.hpp>
#include <tilery/tile/panel.hpp>

namespace tilery::inline TILERY_ABI {

/// A batch: `count` GEMMs of one shape. a, b and c are the strides, in elements, from the A, B or C of one GEMM to that
/// of the next. With a stride of 0, all GEMMs read the same A or B.
struct gemm_batch {
  std::int32_t count = 1;
  std::int64_t a = 0, b = 0, c = 0;
};

/// One tile of C: the parameters of its GEMM, that GEMM's index in the batch, and the tile's number in the GEMM.
template <class Params>
struct gemm_tile {
  const Params& p;
  std::uint32_t index;
  std::int32_t tile;
};

/// C (m x n) = epilogue(alpha A B + beta C), with A (m x k) and B (k x n).
///
/// Types. alpha, beta and the epilogue are computed in Accumulator. The sums over k have this type, too, except for
/// int8 on tensor cores: there the sums are int32, and Accumulator may be float.
///
/// Operands. A and B are of any type that a loader can walk: `panel`, a matrix in memory (tile/panel.hpp), or a panel
/// that a convolution gathers from images (tile/pixel_panel.hpp, tile/tap_panel.hpp). C is a gmem_matrix or one of the
/// matrices of tile/pixel_matrix.hpp.
template <class APanel, class BPanel, class CMatrix, class Accumulator, class Epilogue>
struct product_params {
  using a_panel = APanel;
  using b_panel = BPanel;
  using a_type = typename APanel::value_type;
  using b_type = typename BPanel::value_type;
  using c_type = typename CMatrix::value_type;
  using accumulator = Accumulator;
  using epilogue_type = Epilogue;

  APanel a;  // (m, k)
  BPanel b;  // (n, k)
  CMatrix c;
  Accumulator alpha, beta;
  Epilogue epilogue;
  float scale = 1;  // factor of each value that is stored to C; used only if C has 8-bit elements
  gemm_batch batch = {};
  bool is_transposed = false;  // the transposed problem C^T = B^T A^T: a holds B, b holds A
  std::int32_t first_row = 0;  // the row that the epilogue sees for row 0 of c: i m for GEMM i of a batch
  tile::shared_sums<accumulator_t<a_type>> work = {};  // which block computes what, and the sums of shared tiles

  /// Extents of the matrix that is computed: C, or C^T in the transposed problem.
  TILERY_SIMT int rows() const { return is_transposed ? c.columns : c.rows; }
  TILERY_SIMT int columns() const { return is_transposed ? c.rows : c.columns; }

  /// Returns the parameters of the transposed problem C^T = B^T A^T: A and B change places, c stays as it is.
  product_params transposed() const {
    static_assert(std::is_same_v<APanel, BPanel>);
    product_params other = *this;
    other.a = b, other.b = a, other.batch.a = batch.b, other.batch.b = batch.a, other.is_transposed = !is_transposed;
    return other;
  }

  /// Returns the GEMM of the batch that has tile `number`, and the tile's number in that GEMM. The tiles of a batch are
  /// numbered GEMM after GEMM; the policy P gives the extents of a tile.
  template <auto P>
  TILERY_SIMT gemm_tile<product_params> find(int number) const {
    int index = 0;
    if (batch.count > 1) {
      const tile_mn cut = tile_extents(P.block, P.m_is_longer_side, rows(), columns());
      const int tiles = pieces(rows(), cut.m) * pieces(columns(), cut.n);
      index = number / tiles, number -= index * tiles;
    }
    return {*this, static_cast<std::uint32_t>(index), number};
  }
  /// Returns A of GEMM `index` of the batch.
  TILERY_SIMT APanel a_of(std::uint32_t index) const { return a.moved(index * batch.a); }
  /// Returns B of GEMM `index` of the batch.
  TILERY_SIMT BPanel b_of(std::uint32_t index) const { return b.moved(index * batch.b); }
  /// Returns the parameters for storing C of GEMM `index` of the batch. Their a and b are those of GEMM 0.
  TILERY_SIMT product_params c_of(std::uint32_t index) const {
    product_params one = *this;
    if constexpr (is_matrix) {
      one.c.data = c.data + index * batch.c;
      one.first_row = static_cast<int>(index) * c.rows;
    } else {
      one.c = c.member(static_cast<int>(index), index * batch.c);
    }
    return one;
  }

  /// Returns N values of C, from (row, column) on in one row: multiplies the sums by alpha, adds beta times `old`,
  /// applies the tile's copy of the epilogue, and for 8-bit elements multiplies by `scale`. `old` are the values that C
  /// has now; they are not used if beta is 0.
  template <class Lane, class TileEpilogue, int N>
  TILERY_SIMT pack<Accumulator, N> finish(Lane lane, TileEpilogue& tile_epilogue, pack<Accumulator, N> sums,
                                          pack<Accumulator, N> old, int row, int column) const {
    if constexpr (is_matrix)
      return finish_seen(lane, tile_epilogue, sums, old, first_row + row, column);
    else
      return finish_seen(lane, tile_epilogue, sums, old, c.whole_row(row), c.whole_column(column));
  }
  /// finish() for a caller that has computed the row and the column that the epilogue sees.
  template <class Lane, class TileEpilogue, int N>
  TILERY_SIMT pack<Accumulator, N> finish_seen(Lane lane, TileEpilogue& tile_epilogue, pack<Accumulator, N> sums,
                                               pack<Accumulator, N> old, int row, int column) const {
    sums = sums * alpha;
    if (beta != Accumulator(0)) sums = fma(old, splat<N>(beta), sums);  // a beta of 0 ignores C, NaN included
    sums = tile_epilogue(lane, sums, row, column);
    if constexpr (sizeof(c_type) == 1) sums = sums * static_cast<Accumulator>(scale);
    return sums;
  }

  /// True if the rows of C are equally spaced in memory, and so are its columns.
  static constexpr bool is_matrix = std::is_same_v<CMatrix, gmem_matrix<c_type>>;
};

/// The parameters of a product of matrices in memory.
template <class A, class B, class C, class Accumulator, class Epilogue>
using gemm_params = product_params<panel<A>, panel<B>, gmem_matrix<C>, Accumulator, Epilogue>;

}  // namespace tilery::inline TILERY_ABI
