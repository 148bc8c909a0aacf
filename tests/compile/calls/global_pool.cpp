// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/global_pool.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

void use(tilery::tensor_view<float, 4> x, matrix<float> y, matrix<std::int32_t> indices) {
  tilery::global_average_pool(gpu(), x, y);
  tilery::global_max_pool(tilery::cpu(), x, y, indices);
  tilery::global_max_pool_gradient(gpu(), y, indices, x);
}
