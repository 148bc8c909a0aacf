// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a conv_cpu_policy runs on the cpu executor only
#include "operands.hpp"

constexpr tilery::conv_cpu_policy mine{.rows = 4};

#ifdef BROKEN
void use() { tilery::conv2d_data_gradient<mine>(gpu(), x4, w4, y4); }
#else
void use() { tilery::conv2d_data_gradient<mine>(tilery::cpu(), x4, w4, y4); }
#endif
