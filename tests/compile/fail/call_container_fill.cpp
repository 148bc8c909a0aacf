// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an operand must be a view: for a std::vector or another container v, pass tilery::matrix(v.data(), rows, columns)
#include "operands.hpp"

inline std::vector<float> v(12);

#ifdef BROKEN
void use() { tilery::fill(tilery::cpu(), v, 0.5); }
#else
void use() { tilery::fill(tilery::cpu(), tilery::vector(v.data(), 12), 0.5); }
#endif
