// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the elements of this op's operands must be double, float, half or bf16; labels are int32 or int64
#include "operands.hpp"

inline const tilery::matrix_view<int> integers;
inline const tilery::vector_view<int> integer;

#ifdef BROKEN
void use() { tilery::softmax_cross_entropy(tilery::cpu(), integers, integer, tilery::vector_view<float>()); }
#else
void use() { tilery::softmax_cross_entropy(tilery::cpu(), c, integer, tilery::vector_view<float>()); }
#endif
