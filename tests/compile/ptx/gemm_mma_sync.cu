// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The candidates of the GEMM on tensor cores for elements of ELEMENT; -DFUSED for an epilogue with an operand, read
// element by element; -DGROUPED for a group's parameters; -DFEW for one kernel each of those that the table has: large
// and small tiles, and any strides.
#include "kernels.hpp"

#include <tilery/kernels/gemm/group.hpp>
#include <tilery/kernels/gemm/mma_sync.hpp>
#include <tilery/policies/gemm_mma_sync_table.hpp>

using tilery::half, tilery::bf16, tilery::tf32, tilery::int8, tilery::fp8_e4m3, tilery::along;
using T = ELEMENT;
using S = tilery::accumulator_t<T>;
using C = std::conditional_t<sizeof(T) == 2, T, S>;

struct candidate {
#ifdef FUSED
  using params = tilery::gemm_params<T, T, C, S, tilery::epilogue::chain<tilery::epilogue::bias<T>, tilery::epilogue::gelu>>;
  static constexpr bool operand = true;
#else
  using one = tilery::gemm_params<T, T, C, S, tilery::epilogue::none>;
#ifdef GROUPED
  using params = tilery::gemm_group<one>;
#else
  using params = one;
#endif
  static constexpr bool operand = false;
#endif
  template <tilery::gemm_mma_sync_policy P> using kernel = tilery::gemm_mma_sync<P, params>;

  static constexpr meant_accesses meant(const tilery::gemm_mma_sync_policy& p) {
    using shape = tilery::atoms::mma_shape<T>;
    // A and B come by asynchronous copies, unless these are too narrow: each stage but one ahead of the loop over k, and
    // one in it. C is read where beta is not 0, as it is written.
    constexpr int element = sizeof(T);
    const int c = p.c_vector * static_cast<int>(sizeof(C));
    const bool by_element = p.vector * element < 4, narrow = operand || by_element;
    const int chunks = (p.block.m + p.block.n) * p.block.k * element / 16 / p.threads();  // of 16 bytes, of a lane
    // A warp's fragments: one ldmatrix for 16 rows of A or 16 columns of B, else element by element. The loop over k
    // loads for the next of its steps; the first step's fragments are loaded before.
    const int m = p.warp.m / shape::m, n = p.warp.n / shape::n, steps = p.block.k / shape::k;
    const auto by_matrices = [](along how) { return element < 8 && (element == 2 || how != along::outer); };
    const meant_accesses whole = {
        .global_loads = {narrow ? element : c, c},
        .global_stores = {c, c},
        .shared_loads = narrowest(by_matrices(p.a) && by_matrices(p.b) ? 16 : element, p.exchanges()),
        .mma = steps * m * n,
        .ldmatrix = (steps + 1) * ((by_matrices(p.a) ? m : 0) + (by_matrices(p.b) ? n / 2 : 0)),
        .copies = by_element ? 0 : p.stages * chunks * 16 / (p.vector * element)};
    return p.k_parts == 1 ? whole : with_shared_tiles(whole);
  }
  // Tiles that are turned are read down their columns.
  static constexpr int narrowest(int fragments, bool is_turned) {
    constexpr int sum = sizeof(typename tilery::atoms::mma_shape<T>::accumulator);
    return is_turned && sum < fragments ? sum : fragments;
  }
};

#ifdef FEW
template <class T>
struct few {
  static constexpr tilery::gemm_mma_sync_policy candidates[] = {
      tilery::big_mma_sync<T>(along::outer, along::outer),
      tilery::small_mma_sync<T>(along::k, along::outer),
      tilery::strided_mma_sync<T>(),
  };
};
template <>
struct few<double> {
  static constexpr tilery::gemm_mma_sync_policy candidates[] = {tilery::gemm_mma_sync_table<double>::candidates[0]};
};
using table = few<T>;
#else
using table = tilery::gemm_mma_sync_table<T>;
#endif

void use() { compile_candidates<table, candidate>(); }
