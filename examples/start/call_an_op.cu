// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls an op: C = gelu(A B + bias), on the GPU where there is one, else on the CPU. The call is the same.
#include <tilery/copy.hpp>
#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>
#include <tilery/gemm.hpp>

#include <cstdio>
#include <vector>

template <class Executor>
float gemm_on(const Executor& executor) {
  const int m = 256, n = 128, k = 64;
  const std::vector<float> ones(m * k, 1.0f), halves(k * n, 0.5f), minus_thirties(n, -30.0f);

  tilery::buffer<float, 2> a(executor, m, k), b(executor, k, n), c(executor, m, n);
  tilery::buffer<float> bias(executor, n);
  tilery::copy(executor, tilery::matrix(ones.data(), m, k), a);
  tilery::copy(executor, tilery::matrix(halves.data(), k, n), b);
  tilery::copy(executor, tilery::vector(minus_thirties.data(), n), bias);

  tilery::gemm(executor, a, b, c, tilery::epilogue::bias(bias) | tilery::epilogue::gelu());
  std::printf("%s\n", tilery::explain_gemm(executor, a, b, c).c_str());

  std::vector<float> result(m * n);
  tilery::copy(executor, c, tilery::matrix(result.data(), m, n));
  executor.wait();
  return result[5];
}

int main() {
  float value = 0;
  if (!tilery::with_cuda([&](const auto& gpu) { value = gemm_on(gpu); })) value = gemm_on(tilery::cpu());
  std::printf("gelu(64 * 0.5 - 30) = %.6f\n", value);
  return std::abs(value - 1.954500f) < 1e-5f ? 0 : 1;
}
