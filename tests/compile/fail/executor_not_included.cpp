// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: include <tilery/virtual_gpu.hpp>
#include "operands.hpp"

#ifdef BROKEN
void use() { tilery::softmax(tilery::virtual_gpu(), a, c); }
#else
void use() { tilery::softmax(gpu(), a, c); }
#endif
