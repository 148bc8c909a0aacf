// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the first argument of an op must be its executor
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::conv2d(x4, w4, y4, {.padding = 1}); }
#else
void use() { tilery::conv2d(tilery::cpu(), x4, w4, y4, {.padding = 1}); }
#endif
