// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an operand must be a view: for a std::vector
#include "operands.hpp"

inline std::vector<float> values;

#ifdef BROKEN
void use() { tilery::conv2d(tilery::cpu(), values, w4, y4, {.padding = 1}); }
#else
void use() { tilery::conv2d(tilery::cpu(), tilery::tensor(values.data(), {1, 4, 4, 3}), w4, y4, {.padding = 1}); }
#endif
