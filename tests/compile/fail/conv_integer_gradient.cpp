// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: conv: elements must be double, float, tf32, half or bf16, or, forward only, int8
#include "operands.hpp"

inline const tilery::tensor_view<std::int32_t, 4> integers4;

#ifdef BROKEN
void use() { tilery::conv2d_data_gradient(tilery::cpu(), bytes4, bytes4, integers4); }
#else
void use() { tilery::conv2d(tilery::cpu(), bytes4, bytes4, integers4); }
#endif
