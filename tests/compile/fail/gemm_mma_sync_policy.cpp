// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm_mma_sync_policy.stages must be at least 2
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_mma_sync_policy mine{.block = {64, 64, 32}, .warp = {32, 32}, .stages = 1};
#else
constexpr tilery::gemm_mma_sync_policy mine{.block = {64, 64, 32}, .warp = {32, 32}, .stages = 2};
#endif

void use() { tilery::gemm<mine>(gpu(), halves, halves, half_c); }
