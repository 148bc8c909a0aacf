// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: conv_window_policy.pixels must be a power of two
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::conv_window_policy mine{.pixels = 96};
#else
constexpr tilery::conv_window_policy mine{.pixels = 64};
#endif

void use() { tilery::conv2d<mine>(gpu(), x4, w4, y4); }
