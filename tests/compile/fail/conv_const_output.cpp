// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: it must not be const
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::conv2d(tilery::cpu(), x4, w4, tilery::tensor_view<const float, 4>(y4)); }
#else
void use() { tilery::conv2d(tilery::cpu(), x4, w4, y4); }
#endif
