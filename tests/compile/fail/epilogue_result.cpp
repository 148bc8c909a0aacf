// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue's call operator must return the type of its argument, pack<T, N>
#include "operands.hpp"

struct first_of : tilery::epilogue::step {
  template <class Lane, class T, int N>
#ifdef BROKEN
  TILERY_SIMT T operator()(Lane, tilery::pack<T, N> x, int, int) const {
    return x[0];
#else
  TILERY_SIMT tilery::pack<T, N> operator()(Lane, tilery::pack<T, N> x, int, int) const {
    return tilery::splat<N>(x[0]);
#endif
  }
};

void use(std::span<const tilery::gemm_member<float, float, float, first_of>> members) {
  tilery::gemm_grouped(tilery::cpu(), members);
}
