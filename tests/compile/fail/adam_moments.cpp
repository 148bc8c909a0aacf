// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: adam: both moments must have the accumulation type of the weights: double for double, else float
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::adam(tilery::cpu(), c, a, c, doubles, {}); }
#else
void use() { tilery::adam(tilery::cpu(), c, a, c, c, {}); }
#endif
