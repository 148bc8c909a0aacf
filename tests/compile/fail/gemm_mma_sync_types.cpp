// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm_mma_sync: A and B must have elements of 2 bytes
#include "operands.hpp"

constexpr tilery::gemm_mma_sync_policy mine{.block = {64, 64, 32}, .warp = {32, 32}};

#ifdef BROKEN
void use() { tilery::gemm<mine>(gpu(), doubles, doubles, doubles); }
#else
void use() { tilery::gemm<mine>(gpu(), halves, halves, half_c); }
#endif
