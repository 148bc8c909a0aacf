// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/upsample.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

void use(tilery::tensor_view<float, 4> x, tilery::tensor_view<tilery::bf16, 3> y) {
  tilery::upsample_nearest2d(gpu(), x, x);
  tilery::upsample_linear1d(tilery::cpu(), y, y, {.align_corners = true});
  tilery::upsample_linear2d_gradient(gpu(), x, x);
}
