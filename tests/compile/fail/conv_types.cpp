// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: conv: the images and the filter must have the same element type
#include "operands.hpp"

inline const tilery::tensor_view<const tilery::half, 4> halves4;

#ifdef BROKEN
void use() { tilery::conv2d(tilery::cpu(), x4, halves4, y4); }
#else
void use() { tilery::conv2d(tilery::cpu(), x4, w4, y4); }
#endif
