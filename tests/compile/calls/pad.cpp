// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/pad.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

void use(tilery::tensor_view<float, 4> x, tilery::tensor_view<tilery::half, 3> y) {
  tilery::pad2d(gpu(), x, x, {.padding = {1, 2}, .mode = tilery::pad_mode::reflect});
  tilery::pad1d_gradient(tilery::cpu(), y, y, {.padding = 1, .padding_after = 0});
}
