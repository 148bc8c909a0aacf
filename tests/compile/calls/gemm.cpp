// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <tilery/gemm.hpp>
// The op's header comes first: it must include what its kernels need.
#include "executors.hpp"

constexpr tilery::gemm_simt_policy mine{};

void use(matrix<float> x, matrix<const tilery::half> h, tilery::vector_view<float> v) {
  tilery::gemm(gpu(), x, x, x, tilery::epilogue::bias(v) | tilery::epilogue::gelu());
  tilery::gemm(tilery::cpu(), h, h, x);
  tilery::gemm<mine>(gpu(), x, x, x);
  tilery::explain_gemm(tilery::cpu(), x, x, x);
}
