// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/activation.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

void use(matrix<float> x, matrix<tilery::half> y) {
  tilery::activate<tilery::activation::gelu>(gpu(), x, x);
  tilery::activate<tilery::activation::relu>(tilery::cpu(), y, y);
  tilery::activate_backward<tilery::activation::gelu>(gpu(), y, y, y);
}
