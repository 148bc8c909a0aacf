// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: : a block must have at most 1024 threads
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_simt_policy mine{.block = {256, 256, 8}, .lane = {4, 8}};
#else
constexpr tilery::gemm_simt_policy mine{.block = {128, 256, 8}, .lane = {4, 8}};
#endif

void use() { tilery::gemm<mine>(gpu(), a, b, c); }
