// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The candidates of the GEMM on tensor cores for elements of ELEMENT; -DFUSED for an epilogue with an operand, read
// element by element; -DGROUPED for a group's parameters.
#include "kernels.hpp"

#include <tilery/kernels/gemm/group.hpp>
#include <tilery/kernels/gemm/mma_sync.hpp>
#include <tilery/policies/gemm_mma_sync_table.hpp>

using tilery::half, tilery::bf16;
using T = ELEMENT;

struct candidate {
#ifdef FUSED
  using params = tilery::gemm_params<T, T, T, float, tilery::epilogue::chain<tilery::epilogue::bias<T>, tilery::epilogue::gelu>>;
  static constexpr bool operand = true;
#else
  using one = tilery::gemm_params<T, T, T, float, tilery::epilogue::none>;
#ifdef GROUPED
  using params = tilery::gemm_group<one>;
#else
  using params = one;
#endif
  static constexpr bool operand = false;
#endif
  template <tilery::gemm_mma_sync_policy P> using kernel = tilery::gemm_mma_sync<P, params>;

  static constexpr meant_accesses meant(const tilery::gemm_mma_sync_policy& p) {
    // A and B come by asynchronous copies, unless these are too narrow. C is read where beta is not 0, as it is written.
    constexpr int element = sizeof(T);
    const int c = p.c_vector * element;
    const bool narrow = operand || p.vector * element < 4;
    // A warp's fragments: one ldmatrix for 16 rows of A or 16 columns of B. The loop over k has block.k / 16 steps, each
    // loading for the next one; the first step's fragments are loaded before.
    const int m = p.warp.m / 16, n = p.warp.n / 16, steps = p.block.k / 16;
    const meant_accesses whole = {.global_loads = {narrow ? element : c, c},
                                  .global_stores = {c, c},
                                  .shared_loads = p.exchanges() ? 4 : 16,  // down the columns of a tile that is turned
                                  .mma = steps * m * 2 * n,
                                  .ldmatrix = (steps + 1) * (m + n)};
    return p.k_parts == 1 ? whole : with_shared_tiles(whole);
  }
};

void use() { compile_candidates<tilery::gemm_mma_sync_table<T>, candidate>(); }
