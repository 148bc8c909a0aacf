// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm_mma_sync_policy.vector must be at most 16 bytes, because cp.async copies at most 16 bytes
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_mma_sync_policy mine{.block = {64, 64, 16}, .warp = {32, 32}};
#else
constexpr tilery::gemm_mma_sync_policy mine{.block = {64, 64, 16}, .warp = {32, 32}, .vector = 2, .c_vector = 2};
#endif

void use() { tilery::gemm<mine>(gpu(), doubles, doubles, doubles); }
