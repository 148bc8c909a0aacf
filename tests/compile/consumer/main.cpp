// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Links tilery::tilery and nothing else.
#include <tilery/cpu.hpp>
#include <tilery/tilery.hpp>

int main() {
  float x[6] = {1, 2, 3, 4, 5, 6}, y[4] = {};
  const auto a = tilery::matrix(x, 2, 3);
  tilery::gemm(tilery::cpu(2), a, tilery::transposed(a), tilery::matrix(y, 2, 2));
  return y[0] == 14 && y[1] == 32 && y[2] == 32 && y[3] == 77 ? 0 : 1;
}
