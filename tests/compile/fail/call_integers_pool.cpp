// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the elements of this op's operands must be double, float, half or bf16
#include "operands.hpp"

#ifdef BROKEN
inline const tilery::tensor_view<int, 4> images;
#else
inline const tilery::tensor_view<float, 4> images;
#endif

void use() { tilery::upsample_nearest2d(tilery::cpu(), images, images); }
