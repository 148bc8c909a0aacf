// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the first argument of an op must be its executor, such as tilery::cpu(); operands follow it
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::adam(c, a, c, c, {.step = 1}); }
#else
void use() { tilery::adam(tilery::cpu(), c, a, c, c, {.step = 1}); }
#endif
