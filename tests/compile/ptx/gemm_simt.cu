// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The SIMT GEMM's candidates for elements of ELEMENT; -DFUSED for an epilogue with an operand, read as
// packs of as many elements as the sums have, or one by one; -DSUMMED for one that sums up columns, too; -DGROUPED for
// a group's parameters; those of conv.hpp for the convolutions.
#include "conv.hpp"
#include "kernels.hpp"

#include <tilery/kernels/gemm/group.hpp>
#include <tilery/kernels/gemm/simt.hpp>
#include <tilery/policies/gemm_simt_selector.hpp>

using tilery::half, tilery::bf16;
using T = ELEMENT;
using S = tilery::accumulator_t<T>;

struct candidate {
#ifdef FUSED
  using params =
      tilery::gemm_params<T, T, T, S, tilery::epilogue::chain<tilery::epilogue::bias<T>, tilery::epilogue::gelu>>;
  static constexpr bool operand = true;
#elif defined SUMMED
  using params = tilery::gemm_params<T, T, T, S,
                                     tilery::epilogue::chain<tilery::epilogue::gradient<tilery::activation::gelu, T>,
                                                             tilery::epilogue::bias_gradient<float>>>;
  static constexpr bool operand = true;
#elif defined CONV
  using params = conv_params<T, T>::type;
  static constexpr bool operand = false;
#else
  using one = tilery::gemm_params<T, T, T, S, tilery::epilogue::none>;
#ifdef GROUPED
  using params = tilery::gemm_group<one>;
#else
  using params = one;
#endif
  static constexpr bool operand = false;
#endif
  template <tilery::gemm_simt_policy P>
  using kernel = tilery::gemm_simt<P, params>;

  static constexpr meant_accesses meant(const tilery::gemm_simt_policy& p) {
    // C is read where beta is not 0, as it is written.
    const int inputs = p.vector * static_cast<int>(sizeof(T)), c = p.c_vector * static_cast<int>(sizeof(T));
    const int narrowest = inputs < c ? inputs : c;
    const width_range a = shared_stores(p.a, p.vector), b = shared_stores(p.b, p.vector);
    const int element = static_cast<int>(sizeof(T)), packs = element * static_cast<int>(16 / sizeof(S));
    const int widest = operand && packs > inputs ? packs : inputs;
    const meant_accesses whole = {{operand ? element : narrowest, widest},
                                  {c, c},
                                  16,
                                  {a.narrowest < b.narrowest ? a.narrowest : b.narrowest,
                                   a.widest < b.widest ? b.widest : a.widest}};
    return p.k_parts == 1 ? whole : with_shared_tiles(whole);
  }
  // Packs go into shared memory as they are where they lie along the rows of the tile, else element by element.
  static constexpr width_range shared_stores(tilery::along how, int vector) {
    const int element = sizeof(S), pack = vector * element < 16 ? vector * element : 16;
    return {how == tilery::along::outer ? pack : element, how == tilery::along::k ? element : pack};
  }
};

#ifdef CONV
using table = tilery::conv_simt_table<T, direction>;
#else
using table = tilery::gemm_simt_table<T>;
#endif

void use() { compile_candidates<table, candidate>(); }
