// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an operand must be a view: for a std::vector or another container v, pass tilery::matrix(v.data(), rows, columns)
#include "operands.hpp"

inline std::vector<float> v(12);

#ifdef BROKEN
void use() { tilery::softmax(tilery::cpu(), v, v); }
#else
void use() { tilery::softmax(tilery::cpu(), tilery::matrix(v.data(), 3, 4), tilery::matrix(v.data(), 3, 4)); }
#endif
