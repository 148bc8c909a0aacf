// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a GEMM's factors are the argument after it
#include "operands.hpp"

constexpr tilery::gemm_factors twice{.alpha = 2};

#ifdef BROKEN
void use() { tilery::gemm(tilery::cpu(), a, b, c, twice); }
#else
void use() { tilery::gemm(tilery::cpu(), a, b, c, tilery::epilogue::none(), twice); }
#endif
