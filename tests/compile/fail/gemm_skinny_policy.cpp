// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm_skinny_policy.block.m must be 32
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_skinny_policy mine{.block = {64, 16, 256}};
#else
constexpr tilery::gemm_skinny_policy mine{.block = {32, 16, 256}};
#endif

void use() { tilery::gemm<mine>(gpu(), a, b, c); }
