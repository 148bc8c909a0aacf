// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: pixel_policy.packs and pixels must be 1 on a GPU
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::pixel_policy mine{.packs = 2};
#else
constexpr tilery::pixel_policy mine{.packs = 1};
#endif

using kernel = tilery::pixels_kernel<mine, tilery::average_pool_params<float>>;
void use() { tilery::launch<kernel>(gpu(), {1}, tilery::average_pool_params<float>{}); }
