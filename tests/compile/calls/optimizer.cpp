// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/optimizer.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

void use(matrix<float> x, matrix<tilery::bf16> y) {
  tilery::sgd(gpu(), y, y, x, {});
  tilery::adam(tilery::cpu(), x, y, x, x, {});
}
