// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The GEMM for a short dimension, for elements of ELEMENT.
#include "kernels.hpp"

#include <tilery/kernels/gemm/skinny.hpp>
#include <tilery/policies/gemm_skinny_table.hpp>

using tilery::half, tilery::bf16;
using T = ELEMENT;
using S = tilery::accumulator_t<T>;

struct candidate {
  using params = tilery::gemm_params<T, T, T, S, tilery::epilogue::none>;
  template <tilery::gemm_skinny_policy P>
  using kernel = tilery::gemm_skinny<P, params>;

  // The long operand is read in 16 bytes, or an element at a time; so is the short one. C and the sums of shared tiles
  // are written an element at a time, for neighbours are other lanes'.
  static constexpr meant_accesses meant(const tilery::gemm_skinny_policy&) {
    constexpr int element = sizeof(T), sum = sizeof(S);
    return {{element, 16}, {element, sum}, 4, {4, 16}};
  }
};

void use() { compile_candidates<tilery::gemm_skinny_table<T>, candidate>(); }
