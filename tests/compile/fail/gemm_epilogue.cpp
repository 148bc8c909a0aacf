// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must derive from tilery::epilogue::step: it must be a named struct
#include "operands.hpp"

#ifdef BROKEN
struct halve {
  void describe(tilery::operands&) const {}
  tilery::finding check(int, int) const { return {}; }
#else
struct halve : tilery::epilogue::step {
#endif
  template <class Lane, class T, int N>
  TILERY_SIMT tilery::pack<T, N> operator()(Lane, tilery::pack<T, N> x, int, int) const {
    return x * T(0.5);
  }
};

void use() { tilery::gemm(tilery::cpu(), a, b, c, halve()); }
