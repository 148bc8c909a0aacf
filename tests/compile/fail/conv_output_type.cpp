// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: conv: the output must have the element type of the operands, or their accumulation type
#include "operands.hpp"

inline const tilery::tensor_view<double, 4> doubles4;

#ifdef BROKEN
void use() { tilery::conv2d_weight_gradient(tilery::cpu(), x4, w4, doubles4); }
#else
void use() { tilery::conv2d_weight_gradient(tilery::cpu(), x4, w4, y4); }
#endif
