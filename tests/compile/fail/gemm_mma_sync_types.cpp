// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: gemm_mma_sync_policy.math must be tf32 or tf32x3 for float, because tensor cores cannot multiply float elements
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_mma_sync_policy mine{.block = {64, 64, 32}, .warp = {32, 32}, .vector = 4};
#else
constexpr tilery::gemm_mma_sync_policy mine{.block = {64, 64, 32},
                                            .warp = {32, 32},
                                            .vector = 4,
                                            .math = tilery::multiply_as::tf32};
#endif

void use() { tilery::gemm<mine>(gpu(), a, b, c); }
