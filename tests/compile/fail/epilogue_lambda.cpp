// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must derive from tilery::epilogue::step: it must be a named struct, because nvcc takes no
#include "operands.hpp"

#ifdef BROKEN
void use() {
  tilery::gemm(tilery::cpu(), a, b, c, [](auto, auto x, int, int) { return x; });
}
#else
void use() { tilery::gemm(tilery::cpu(), a, b, c, tilery::epilogue::none()); }
#endif
