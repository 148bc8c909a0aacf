// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/column_sum.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

void use(matrix<const tilery::half> x, tilery::vector_view<float> y) {
  tilery::column_sum(gpu(), x, y);
  tilery::column_sum(tilery::cpu(), x, y);
}
