// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the first argument of an op must be its executor, such as tilery::cpu(); operands follow it
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::gemm(a, b, c); }
#else
void use() { tilery::gemm(tilery::cpu(), a, b, c); }
#endif
