// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the first argument of an op must be its executor, such as tilery::cpu(); operands follow it
#include "operands.hpp"

constexpr tilery::gemm_cpu_policy mine{.rows = 4, .vectors = 2};

#ifdef BROKEN
void use() { tilery::gemm<mine>(a, b, c); }
#else
void use() { tilery::gemm<mine>(tilery::cpu(), a, b, c); }
#endif
