// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must have a call operator that takes (Lane lane, pack<T, N> x, int row, int column)
#include "operands.hpp"

struct halve : tilery::epilogue::step {
#ifdef BROKEN
  using number = double;  // the sums of float are float
#else
  using number = float;
#endif
  template <class Lane, int N>
  TILERY_SIMT tilery::pack<number, N> operator()(Lane, tilery::pack<number, N> x, int, int) const {
    return x * number(0.5);
  }
};

void use() { tilery::gemm(gpu(), a, b, c, halve()); }
