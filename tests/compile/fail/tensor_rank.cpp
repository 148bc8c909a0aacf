// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a tensor must have 1 to 5 dimensions
#include "operands.hpp"

#ifdef BROKEN
const auto view = tilery::tensor(static_cast<float*>(nullptr), {1, 2, 3, 4, 5, 6});
#else
const auto view = tilery::tensor(static_cast<float*>(nullptr), {2, 3, 4, 5, 6});
#endif
