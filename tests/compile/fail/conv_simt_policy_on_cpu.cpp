// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the cpu executor needs a conv_cpu_policy: this one is a GPU's
#include "operands.hpp"

constexpr tilery::gemm_simt_policy mine{.a = tilery::along::k, .b = tilery::along::k};

#ifdef BROKEN
void use() { tilery::conv2d<mine>(tilery::cpu(), x4, w4, y4); }
#else
void use() { tilery::conv2d<mine>(gpu(), x4, w4, y4); }
#endif
