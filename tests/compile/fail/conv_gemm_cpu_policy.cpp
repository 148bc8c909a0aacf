// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: conv: the policy must be a conv_cpu_policy on the cpu executor, a gemm_simt_policy
#include "operands.hpp"

constexpr tilery::gemm_cpu_policy of_gemm{.rows = 4, .vectors = 2};
constexpr tilery::conv_cpu_policy mine{.rows = 4};

#ifdef BROKEN
void use() { tilery::conv2d<of_gemm>(tilery::cpu(), x4, w4, y4); }
#else
void use() { tilery::conv2d<mine>(tilery::cpu(), x4, w4, y4); }
#endif
