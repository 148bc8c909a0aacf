// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an operand must be a view: for a std::vector or another container v, pass tilery::matrix(v.data(), rows, columns)
#include "operands.hpp"

inline std::vector<float> v(12);

#ifdef BROKEN
void use() { tilery::gemm(tilery::cpu(), a, b, v, tilery::epilogue::gelu()); }
#else
void use() { tilery::gemm(tilery::cpu(), a, b, tilery::matrix(v.data(), 3, 4), tilery::epilogue::gelu()); }
#endif
