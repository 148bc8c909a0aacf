// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: the first argument of an op must be its executor, such as tilery::cpu(); operands follow it
#include "operands.hpp"

#include <span>

inline const std::vector<tilery::gemm_member<float, float, float>> v{{a, b, c}};

#ifdef BROKEN
void use() { tilery::gemm_grouped(std::span(v)); }
#else
void use() { tilery::gemm_grouped(tilery::cpu(), std::span(v)); }
#endif
