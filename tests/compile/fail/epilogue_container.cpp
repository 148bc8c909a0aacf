// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an epilogue must be trivially copyable, because a launch copies its bytes to the GPU
#include "operands.hpp"

struct halve : tilery::epilogue::step {
#ifdef BROKEN
  std::vector<float> kept;
#else
  const float* kept = nullptr;
#endif
  template <class Lane, class T, int N>
  TILERY_SIMT tilery::pack<T, N> operator()(Lane, tilery::pack<T, N> x, int, int) const {
    return x * T(0.5);
  }
};

void use(tilery::tensor_view<const float, 3> x, tilery::tensor_view<float, 3> y) {
  tilery::gemm_batched(tilery::cpu(), x, x, y, halve());
}
