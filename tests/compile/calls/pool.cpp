// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/pool.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

using images = tilery::tensor_view<float, 4>;

void use(images x, images y, tilery::tensor_view<std::int32_t, 4> indices, tilery::tensor_view<tilery::half, 5> h) {
  tilery::max_pool2d(gpu(), x, y, indices, {.window = 3, .stride = 2, .padding = 1});
  tilery::max_pool2d_gradient(tilery::cpu(), y, indices, x, {.window = {3, 2}});
  tilery::average_pool3d(gpu(), h, h, {.window = 2, .ceil_mode = true});
  tilery::average_pool2d_gradient(tilery::cpu(), y, x, {.window = 2, .count_include_pad = false});
}
