// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a policy of the CPU runs on the cpu executor only
#include "operands.hpp"

constexpr tilery::gemm_cpu_policy mine{.rows = 4, .vectors = 2};

#ifdef BROKEN
void use() { tilery::gemm<mine>(gpu(), a, b, c); }
#else
void use() { tilery::gemm<mine>(tilery::cpu(), a, b, c); }
#endif
