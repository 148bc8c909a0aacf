// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the cpu executor needs a gemm_cpu_policy: this one is a GPU's
#include "operands.hpp"

constexpr tilery::gemm_simt_policy mine{};

#ifdef BROKEN
void use() { tilery::gemm<mine>(tilery::cpu(), a, b, c); }
#else
void use() { tilery::gemm<mine>(gpu(), a, b, c); }
#endif
