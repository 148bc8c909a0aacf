// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/copy.hpp>
#include <tilery/fill.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

void use(matrix<const tilery::half> x, matrix<float> y) {
  tilery::copy(gpu(), x, y);
  tilery::copy(tilery::cpu(), x, y);
  tilery::fill(gpu(), y, 0.5);
  tilery::fill(tilery::cpu(), y, 0.5);
}
