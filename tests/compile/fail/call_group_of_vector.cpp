// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: for a std::vector v of members, pass std::span(std::as_const(v))
#include "operands.hpp"

#include <span>
#include <utility>

inline std::vector<tilery::gemm_member<float, float, float>> v{{a, b, c}};

#ifdef BROKEN
void use() { tilery::gemm_grouped(tilery::cpu(), v); }
#else
void use() { tilery::gemm_grouped(tilery::cpu(), std::span(std::as_const(v))); }
#endif
