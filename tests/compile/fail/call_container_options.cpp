// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an operand must be a view: for a std::vector or another container v, pass tilery::matrix(v.data(), rows, columns)
#include "operands.hpp"

inline std::vector<float> v(12);

#ifdef BROKEN
void use() { tilery::sgd(tilery::cpu(), v, v, v, {.momentum = 0.9}); }
#else
void use() {
  tilery::sgd(tilery::cpu(), tilery::matrix(v.data(), 3, 4), tilery::matrix(v.data(), 3, 4),
              tilery::matrix(v.data(), 3, 4), {.momentum = 0.9});
}
#endif
