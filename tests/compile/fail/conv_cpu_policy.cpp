// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: conv_cpu_policy.rows must be even
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::conv_cpu_policy mine{.rows = 3};
#else
constexpr tilery::conv_cpu_policy mine{.rows = 4};
#endif

void use() { tilery::conv2d<mine>(tilery::cpu(), x4, w4, y4); }
