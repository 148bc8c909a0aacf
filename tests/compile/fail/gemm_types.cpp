// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm: A and B must have the same element type
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::gemm(tilery::cpu(), a, doubles, c); }
#else
void use() { tilery::gemm(tilery::cpu(), a, b, c); }
#endif
