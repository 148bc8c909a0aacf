// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: conv: a depthwise policy must have elements of double, float, half or bf16
#include "operands.hpp"

constexpr tilery::depthwise_policy mine{.width = 3};
inline const tilery::tensor_view<std::int32_t, 4> integers4;

#ifdef BROKEN
void use() { tilery::conv2d<mine>(gpu(), bytes4, bytes4, integers4); }
#else
void use() { tilery::conv2d<mine>(gpu(), x4, w4, y4); }
#endif
