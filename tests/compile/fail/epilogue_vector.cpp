// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must derive from tilery::epilogue::step; a vector v is added as tilery::epilogue::bias(v)
#include "operands.hpp"

#ifdef BROKEN
void use(tilery::vector_view<float> v) { tilery::gemm(tilery::cpu(), a, b, c, v); }
#else
void use(tilery::vector_view<float> v) { tilery::gemm(tilery::cpu(), a, b, c, tilery::epilogue::bias(v)); }
#endif
