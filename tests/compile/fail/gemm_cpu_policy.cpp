// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm_cpu_policy.n_block and n_span must be multiples of the register tile
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_cpu_policy mine{.rows = 4, .vectors = 2, .n_block = 33};
#else
constexpr tilery::gemm_cpu_policy mine{.rows = 4, .vectors = 2, .n_block = 64};
#endif

void use() { tilery::gemm<mine>(tilery::cpu(), a, b, c); }
