// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/gradient_norm.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

void use(std::span<const tilery::dense_tensor<float>> some, std::span<const tilery::dense_tensor<tilery::bf16>> others,
         tilery::vector_view<double> result, tilery::vector_view<float> results) {
  tilery::gradient_norm(gpu(), some, result);
  tilery::gradient_norm(tilery::cpu(), others, result, {.order = tilery::norm_order::maximum});
  tilery::tensor_norms(tilery::cpu(), some, results);
}
