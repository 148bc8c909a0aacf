// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The candidates of the GEMM on tensor cores for elements of ELEMENT; -DFUSED for an epilogue with an operand, read
// element by element; -DSUMMED for one that sums up columns, too; -DGROUPED for a group's parameters; those of conv.hpp
// for the convolutions; -DFEW for one kernel each of those that the table has: large and small tiles, few rows or
// columns, and any strides.
#include "conv.hpp"
#include "kernels.hpp"

#include <tilery/kernels/gemm/group.hpp>
#include <tilery/kernels/gemm/mma_sync.hpp>
#include <tilery/policies/gemm_mma_sync_selector.hpp>

using tilery::half, tilery::bf16, tilery::tf32, tilery::int8, tilery::fp8_e4m3, tilery::fp8_e5m2, tilery::along;
using T = ELEMENT;
using S = tilery::accumulator_t<T>;
using C = std::conditional_t<sizeof(T) == 2, T, S>;

struct candidate {
#ifdef FUSED
  using params =
      tilery::gemm_params<T, T, C, S, tilery::epilogue::chain<tilery::epilogue::bias<T>, tilery::epilogue::gelu>>;
  static constexpr bool operand = true;
#elif defined SUMMED
  using params = tilery::gemm_params<T, T, C, S,
                                     tilery::epilogue::chain<tilery::epilogue::gradient<tilery::activation::gelu, T>,
                                                             tilery::epilogue::bias_gradient<float>>>;
  static constexpr bool operand = true;
#elif defined CONV
  using params = conv_params<T, C>::type;
  static constexpr bool operand = false;
#else
  using one = tilery::gemm_params<T, T, C, S, tilery::epilogue::none>;
#ifdef GROUPED
  using params = tilery::gemm_group<one>;
#else
  using params = one;
#endif
  static constexpr bool operand = false;
#endif
  template <tilery::gemm_mma_sync_policy P>
  using kernel = tilery::gemm_mma_sync<P, params>;

  static constexpr meant_accesses meant(const tilery::gemm_mma_sync_policy& p) {
    // A kernel for few rows or columns stores the transposed C where columns are few. C is read where beta is not 0, as
    // it is written.
    const int c = p.c_vector * static_cast<int>(sizeof(C));
    meant_accesses whole = {.global_loads = {operand ? element : c, c}, .global_stores = {c, c}, .shared_loads = 16};
    if (!p.looks_up()) {
      add_loop(whole, p);
    } else {
      const along other = p.few ? along::any : along::outer;
      for (const along b : {along::k, along::outer})
        add_loop(whole, p.laid_out(along::k, b)), add_loop(whole, p.laid_out(other, b));
    }
    if (p.may_transpose() && sum < whole.shared_loads)
      whole.shared_loads = sum;  // a transposed tile is read along its columns
    return p.k_parts == 1 ? whole : with_shared_tiles(whole);
  }

  /// One loop over k.
  static constexpr void add_loop(meant_accesses& all, const tilery::gemm_mma_sync_policy& p) {
    // A and B come by asynchronous copies, unless these are too narrow: each stage but one ahead of the loop over k,
    // and one in it.
    const auto add_copies = [&](along how, int outer) {
      const int chunks = outer * p.block.k * element / 16 / p.threads();  // of a lane
      if (how != along::any && p.vector * element >= 4)
        all.copies += p.stages * chunks * 16 / (p.vector * element);
      else if (element < all.global_loads.narrowest)
        all.global_loads.narrowest = element;
    };
    add_copies(p.a, p.block.m), add_copies(p.b, p.block.n);
    // A warp's fragments: one ldmatrix for 16 rows of A or 16 columns of B, else element by element. The loop loads for
    // the next of its steps; the first step's fragments are loaded before.
    using shape = tilery::atoms::mma_shape<T>;
    const int m = p.warp.m / shape::m, n = p.warp.n / shape::n, steps = p.block.k / shape::k;
    const auto by_matrices = [](along how) { return element < 8 && (element == 2 || how != along::outer); };
    all.mma += steps * m * n;
    all.ldmatrix += (steps + 1) * ((by_matrices(p.a) ? m : 0) + (by_matrices(p.b) ? n / 2 : 0));
    if (!by_matrices(p.a) || !by_matrices(p.b)) all.shared_loads = element;
  }
  static constexpr int element = sizeof(T), sum = sizeof(typename tilery::atoms::mma_shape<T>::accumulator);
};

#ifdef FEW
template <class T>
struct few {
  using all = tilery::gemm_mma_sync_table<T>;
  static constexpr tilery::gemm_mma_sync_policy candidates[] = {
      all::candidates[2],
      all::candidates[all::small],
      all::candidates[all::few],
      all::candidates[all::strided],
  };
};
template <>
struct few<double> {
  static constexpr tilery::gemm_mma_sync_policy candidates[] = {tilery::gemm_mma_sync_table<double>::candidates[0]};
};
using table = few<T>;
#elif defined CONV
using table = tilery::conv_mma_sync_table<T, direction>;
#else
using table = tilery::gemm_mma_sync_table<T>;
#endif

void use() { compile_candidates<table, candidate>(); }
