// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the first argument of an op must be an executor: a tilery::cpu, virtual_gpu or cuda
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::softmax(2, a, c); }
#else
void use() { tilery::softmax(tilery::cpu(2), a, c); }
#endif
