// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: softmax: x and y must have the same element type, and y must not be const
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::softmax(tilery::cpu(), a, doubles); }
#else
void use() { tilery::softmax(tilery::cpu(), a, c); }
#endif
