// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm: C must have the element type of A and B, or their accumulation type, or be float, half, bf16 or fp8 where A and B are not double
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::gemm(tilery::cpu(), a, b, doubles); }
#else
void use() { tilery::gemm(tilery::cpu(), a, b, c); }
#endif
