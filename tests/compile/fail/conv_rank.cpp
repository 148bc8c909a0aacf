// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: no overload of this op takes these arguments: each operand must be a view of the rank that the op
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::conv2d(tilery::cpu(), a, w4, y4, {.stride = 2}); }
#else
void use() { tilery::conv2d(tilery::cpu(), x4, w4, y4, {.stride = 2}); }
#endif
