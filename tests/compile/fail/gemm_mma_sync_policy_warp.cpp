// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm_mma_sync_policy.warp must be a multiple of 16 in m and n
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_mma_sync_policy mine{.block = {64, 64, 32}, .warp = {32, 8}};
#else
constexpr tilery::gemm_mma_sync_policy mine{.block = {64, 64, 32}, .warp = {32, 16}};
#endif

void use() { tilery::gemm<mine>(gpu(), halves, halves, half_c); }
