// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must have a call operator that takes (Lane lane, pack<T, N> x, int row, int column)
#include "operands.hpp"

constexpr tilery::gemm_cpu_policy mine{.vectors = 2};

struct halve : tilery::epilogue::step {
#ifdef BROKEN
  template <class T, int N>
  TILERY_SIMT tilery::pack<T, N> operator()(tilery::pack<T, N> x) const {
#else
  template <class Lane, class T, int N>
  TILERY_SIMT tilery::pack<T, N> operator()(Lane, tilery::pack<T, N> x, int, int) const {
#endif
      return x * T(0.5);
}
}
;

void use() { tilery::gemm<mine>(tilery::cpu(), a, b, c, tilery::epilogue::relu() | halve()); }
