// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: : the shared memory of a block must fit the shared memory of its lowest arch
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::gemm_simt_policy mine{.block = {128, 128, 64}};
#else
constexpr tilery::gemm_simt_policy mine{.block = {128, 128, 64}, .lowest = tilery::arch::sm_80};
#endif

void use() { tilery::gemm<mine>(gpu(), a, b, c); }
