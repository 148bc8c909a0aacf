// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: row_policy.rows must be threads / lanes_a_row
#include "operands.hpp"

#ifdef BROKEN
constexpr tilery::row_policy mine{.threads = 128, .lanes_a_row = 32, .rows = 3};
#else
constexpr tilery::row_policy mine{.threads = 128, .lanes_a_row = 32, .rows = 4};
#endif

void use() { tilery::softmax<mine>(gpu(), a, c); }
