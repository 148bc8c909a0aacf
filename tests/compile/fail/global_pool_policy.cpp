// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: global_pool_policy.channel_lanes must divide threads
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::global_pool_policy mine{.channel_lanes = 7};
#else
constexpr tilery::global_pool_policy mine{.channel_lanes = 8};
#endif

using kernel = tilery::global_pool_kernel<mine, float, tilery::mean_of_pixels>;
void use() { tilery::launch<kernel>(gpu(), {1}, tilery::global_pool_params<float>{}); }
