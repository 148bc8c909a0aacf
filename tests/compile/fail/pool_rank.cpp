// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the operands must be tensors (n, spatial..., c): of rank 3 in one dimension, 4 in two, 5 in three
#include "operands.hpp"

inline const tilery::tensor_view<float, 4> images;

#ifdef BROKEN
void use() { tilery::average_pool1d(tilery::cpu(), images, images, {.window = 2}); }
#else
void use() { tilery::average_pool2d(tilery::cpu(), images, images, {.window = 2}); }
#endif
