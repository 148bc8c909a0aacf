// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an output must not be a view of const elements
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::gemm(tilery::cpu(), a, b, tilery::matrix_view<const float>(c)); }
#else
void use() { tilery::gemm(tilery::cpu(), a, b, c); }
#endif
