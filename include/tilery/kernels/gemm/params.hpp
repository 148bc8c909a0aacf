// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters that all GEMM kernels share.
#pragma once

#include <tilery/simt/memory.hpp>
#include <tilery/tile/epilogue.hpp>
#include <tilery/tile/panel.hpp>

namespace tilery::inline TILERY_ABI {

/// C (m x n) = epilogue(alpha A B + beta C), with A (m x k) and B (k x n). Sums are kept in Accumulator.
template <class A, class B, class C, class Accumulator, class Epilogue>
struct gemm_params {
  using a_type = A;
  using b_type = B;
  using c_type = C;
  using accumulator = Accumulator;

  panel<A> a;  // (m, k)
  panel<B> b;  // (n, k)
  gmem_matrix<C> c;
  Accumulator alpha, beta;
  Epilogue epilogue;
  float scale = 1;  // of a C of 8 bits

  /// What becomes of N sums that belong at (row, column...) of C, with the tile's copy of the epilogue.
  template <class Lane, int N>
  SIMT pack<Accumulator, N> finish(Lane lane, Epilogue& tile_epilogue, pack<Accumulator, N> sums,
                                   pack<Accumulator, N> old, int row, int column) const {
    sums = sums * alpha;
    if (beta != Accumulator(0)) sums = fma(old, splat<N>(beta), sums);  // a beta of 0 ignores C, NaN included
    sums = tile_epilogue(lane, sums, row, column);
    if constexpr (sizeof(C) == 1) sums = sums * static_cast<Accumulator>(scale);
    return sums;
  }
};

}  // namespace tilery::inline TILERY_ABI
