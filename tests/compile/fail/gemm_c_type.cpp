// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm: C must have the element type of A and B, or their accumulation type, and must not be const
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::gemm(tilery::cpu(), a, b, doubles); }
#else
void use() { tilery::gemm(tilery::cpu(), a, b, c); }
#endif
