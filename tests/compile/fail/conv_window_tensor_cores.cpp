// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: conv: with tensor_cores, a conv_window_policy must have elements of tf32, half or bf16
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::conv_window_policy mine{.part = {32, 64}, .tensor_cores = true, .lowest = tilery::arch::sm_80};
#else
constexpr tilery::conv_window_policy mine{};
#endif

void use() { tilery::conv2d<mine>(gpu(), x4, w4, y4); }
