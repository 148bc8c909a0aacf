// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: for a std::vector v of dense_tensors, pass std::span(std::as_const(v))
#include "operands.hpp"

#include <utility>

inline std::vector<tilery::dense_tensor<float>> v{{a}, {b, "conv1.weight"}};

#ifdef BROKEN
void use(tilery::vector_view<double> result) { tilery::gradient_norm(tilery::cpu(), v, result); }
#else
void use(tilery::vector_view<double> result) {
  tilery::gradient_norm(tilery::cpu(), std::span(std::as_const(v)), result);
}
#endif
