// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: conv: a conv_window_policy must have elements of double, float, tf32, half or bf16
#include "operands.hpp"

constexpr tilery::conv_window_policy mine{};
inline const tilery::tensor_view<std::int32_t, 4> integers4;

#ifdef BROKEN
void use() { tilery::conv2d<mine>(gpu(), bytes4, bytes4, integers4); }
#else
void use() { tilery::conv2d<mine>(gpu(), x4, w4, y4); }
#endif
