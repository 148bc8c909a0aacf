// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: : the shared memory of a block must fit the shared memory of its lowest arch
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_mma_sync_policy mine{.stages = 6};
#else
constexpr tilery::gemm_mma_sync_policy mine{.stages = 6, .lowest = tilery::arch::sm_90};
#endif

void use() { tilery::gemm<mine>(gpu(), halves, halves, half_c); }
