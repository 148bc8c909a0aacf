// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm_simt_policy.block.m must be a multiple of 4 lane.m
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_simt_policy mine{.block = {72, 128, 8}, .lane = {8, 8}};
#else
constexpr tilery::gemm_simt_policy mine{.block = {64, 128, 8}, .lane = {8, 8}};
#endif

void use() { tilery::gemm<mine>(gpu(), a, b, c); }
