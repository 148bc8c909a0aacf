// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must derive from tilery::epilogue::step; an activation f becomes one as tilery::epilogue::activate<f>()
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::gemm(tilery::cpu(), a, b, c, tilery::activation::gelu()); }
#else
void use() { tilery::gemm(tilery::cpu(), a, b, c, tilery::epilogue::activate<tilery::activation::gelu>()); }
#endif
