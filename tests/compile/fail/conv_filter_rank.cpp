// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: no overload of this op takes these arguments: each operand must be a view of the rank that the op
#include "operands.hpp"

constexpr tilery::conv_cpu_policy mine{.rows = 4};
inline const tilery::tensor_view<const float, 3> w3;

#ifdef BROKEN
void use() { tilery::conv2d_data_gradient<mine>(tilery::cpu(), x4, w3, y4, {.stride = 2}); }
#else
void use() { tilery::conv2d_data_gradient<mine>(tilery::cpu(), x4, w4, y4, {.stride = 2}); }
#endif
