// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: rows * vectors + vectors + 1 must be at most the vector registers of its isa
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_cpu_policy mine{.rows = 16, .vectors = 4};
#else
constexpr tilery::gemm_cpu_policy mine{.rows = 4, .vectors = 2};
#endif

void use() { tilery::gemm<mine>(tilery::cpu(), a, b, c); }
