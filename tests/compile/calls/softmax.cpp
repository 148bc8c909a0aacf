// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/softmax.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

void use(matrix<float> x, matrix<tilery::bf16> y) {
  tilery::softmax(gpu(), x, x);
  tilery::softmax(tilery::cpu(), y, y);
  tilery::softmax_backward(gpu(), y, y, y);
}
