// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/loss.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

void use(matrix<float> x, tilery::vector_view<const std::int32_t> labels, tilery::vector_view<float> losses) {
  tilery::softmax_cross_entropy(gpu(), x, labels, losses, x);
  tilery::softmax_cross_entropy(tilery::cpu(), x, labels, losses);
}
