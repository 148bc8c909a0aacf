// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: elementwise_policy.threads must be a multiple of 32 from 32 to 1024
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::elementwise_policy mine{.threads = 100};
#else
constexpr tilery::elementwise_policy mine{.threads = 96};
#endif

using params = tilery::activation_forward_params<tilery::activation::relu, float>;
using kernel = tilery::elementwise<mine, params>;

void use(const params& p) { tilery::launch<kernel>(gpu(), {1}, p); }
