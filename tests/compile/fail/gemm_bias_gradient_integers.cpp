// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: epilogue::bias_gradient must have sums of floating point
#include "operands.hpp"

#ifdef BROKEN
using sum = std::int32_t;
#else
using sum = float;
#endif

void use(tilery::matrix_view<const tilery::int8> x, tilery::matrix_view<sum> y, tilery::vector_view<float> db) {
  tilery::gemm(tilery::cpu(), x, x, y, tilery::epilogue::bias_gradient(db));
}
