// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must derive from tilery::epilogue::step: it must be a named struct, because nvcc takes no
#include "operands.hpp"

float half_of(float x) { return x / 2; }

void use(tilery::matrix_pointers<const float> x, tilery::matrix_pointers<float> y) {
#ifdef BROKEN
  tilery::gemm_batched(tilery::cpu(), x, x, y, half_of);
#else
  tilery::gemm_batched(tilery::cpu(), x, x, y, tilery::epilogue::scale(half_of(1)));
#endif
}
