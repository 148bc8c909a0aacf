// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must derive from tilery::epilogue::step; a number x scales the sums as tilery::epilogue::scale(x)
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::gemm(gpu(), a, b, c, 2.0f); }
#else
void use() { tilery::gemm(gpu(), a, b, c, tilery::epilogue::scale(2.0f)); }
#endif
