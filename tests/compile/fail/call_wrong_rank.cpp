// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: no overload of this op takes these arguments: each operand must be a view of the rank that the op
#include "operands.hpp"

inline const tilery::vector_view<float> x;

#ifdef BROKEN
void use() { tilery::softmax(tilery::cpu(), x, x); }
#else
void use() { tilery::softmax(tilery::cpu(), c, c); }
#endif
