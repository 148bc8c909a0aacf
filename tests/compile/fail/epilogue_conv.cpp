// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must derive from tilery::epilogue::step: it must be a named struct, because nvcc takes no
#include "operands.hpp"

#ifdef BROKEN
void use() {
  tilery::conv2d(tilery::cpu(), x4, w4, y4, {}, [](auto x) { return x; });
}
#else
void use() { tilery::conv2d(tilery::cpu(), x4, w4, y4, {}, tilery::epilogue::relu()); }
#endif
