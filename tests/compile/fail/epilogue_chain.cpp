// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must derive from tilery::epilogue::step; an activation f becomes one as tilery::epilogue::activate<f>()
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::gemm(tilery::cpu(), a, b, c, tilery::epilogue::scale(2) | tilery::activation::relu()); }
#else
void use() { tilery::gemm(tilery::cpu(), a, b, c, tilery::epilogue::scale(2) | tilery::epilogue::relu()); }
#endif
