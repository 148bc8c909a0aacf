// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the elements of this op's operands must be double, float, half or bf16; labels are int32 or int64
#include "operands.hpp"

inline const tilery::matrix_view<int> integers;
inline const tilery::vector_view<int> integer;

#ifdef BROKEN
void use() { tilery::column_sum(tilery::cpu(), integers, integer); }
#else
void use() { tilery::column_sum(tilery::cpu(), c, tilery::vector_view<float>()); }
#endif
