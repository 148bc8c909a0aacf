// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an operand must be a view: for a std::vector or another container v, pass tilery::matrix(v.data(), rows, columns)
#include "operands.hpp"

inline std::vector<float> v(16);

#ifdef BROKEN
void use() { tilery::max_pool2d(tilery::cpu(), v, v, {.window = 2}); }
#else
void use() {
  tilery::max_pool2d(tilery::cpu(), tilery::tensor(v.data(), {1, 2, 4, 1}), tilery::tensor(v.data() + 8, {1, 1, 2, 1}),
                     {.window = 2});
}
#endif
