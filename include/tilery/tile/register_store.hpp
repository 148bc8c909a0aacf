// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Applies the epilogue to the accumulators of the GEMM without tensor cores (gemm_simt), and stores the result to C,
// straight from registers.
#pragma once
#pragma GCC system_header

#include <tilery/tile/epilogue_step.hpp>
#include <tilery/tile/register_tile.hpp>
#include <tilery/tile/store_sums.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Stores the accumulators of one lane under policy P. The tile of its block begins at (row, column) of C, or of C^T if
/// the transposed problem (C^T = B^T A^T) is computed.
template <auto P, class Lane, class Params, class Accumulator>
TILERY_SIMT void store_registers(Lane lane, const Params& p, int row, int column,
                                 const register_tile<P, Accumulator>& sums, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("store the tile", at);
  constexpr int quad = register_tile<P, Accumulator>::quad;
  // A row of C has P.lane.n accumulators of the lane, or P.lane.m in the transposed problem; `longer` is the larger
  // number, if this policy can compute the transposed problem, else P.lane.n.
  constexpr int longer = P.may_transpose() && P.lane.m > P.lane.n ? P.lane.m : P.lane.n;
  constexpr int each = epilogue_pack<Params, P.c_vector, quad>;
  auto epilogue = epilogue::in_tile<Accumulator, each, longer / each>(p.epilogue);
  const bool is_transposed = P.may_transpose() && p.is_transposed;
  // The tile is stored in squares of quad x quad. A row of a square is a pack of C; in the transposed problem a column
  // of a square is a pack of C. The same code stores both.
  TILERY_UNROLL_ON_GPU
  for (int i = 0; i < P.lane.m; i += quad) {
    TILERY_UNROLL_ON_GPU
    for (int j = 0; j < P.lane.n; j += quad) {
      const int first_row = row + sums.row(i), first_column = column + sums.column(j / quad);
      TILERY_UNROLL_ON_GPU
      for (int e = 0; e < quad; ++e)
        store_sums<P.c_vector>(lane, p, epilogue, (is_transposed ? first_column : first_row) + e,
                               is_transposed ? first_row : first_column,
                               is_transposed ? sums.transposed_sums(i, j + e) : sums.sums(i + e, j / quad));
    }
  }
  epilogue.end(lane);
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
