// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: depthwise_policy.channel_lanes must divide 32
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::depthwise_policy mine{.channel_lanes = 3};
#else
constexpr tilery::depthwise_policy mine{.channel_lanes = 4};
#endif

void use() { tilery::conv2d<mine>(gpu(), x4, w4, y4); }
