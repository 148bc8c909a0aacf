// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Brings its own epilogue: a named struct with the same call operator as the library's, joined with `|`.
#include <tilery/copy.hpp>
#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>
#include <tilery/gemm.hpp>

#include <cstdio>
#include <vector>

/// Zero above the diagonal, as a causal mask wants it. (A struct, because nvcc takes no lambda as a kernel's argument.)
struct lower_triangle : tilery::epilogue::step {
  template <class Lane, class T, int N>
  TILERY_SIMT tilery::pack<T, N> operator()(Lane, tilery::pack<T, N> x, int row, int column) const {
    for (int i = 0; i < N; ++i) x.set(i, column + i <= row ? x[i] : T(0));
    return x;
  }
};

template <class Executor>
int gemm_on(const Executor& executor) {
  const int n = 100;
  std::vector<float> ones(n * n, 1.0f), result(n * n);
  tilery::buffer<float, 2> a(executor, n, n), c(executor, n, n);
  tilery::copy(executor, tilery::matrix(ones.data(), n, n), a);

  tilery::gemm(executor, a, a, c, tilery::epilogue::scale(0.01) | lower_triangle());

  tilery::copy(executor, c, tilery::matrix(result.data(), n, n));
  executor.wait();
  int kept = 0;
  for (const float x : result) kept += x == 1.0f;
  return kept;
}

int main() {
  int kept = 0;
  if (!tilery::with_cuda([&](const auto& gpu) { kept = gemm_on(gpu); })) kept = gemm_on(tilery::cpu());
  std::printf("%d of 10000 elements are on or below the diagonal\n", kept);
  return kept == 5050 ? 0 : 1;
}
