// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Brings its own policy: how a problem is cut is a value, and the same value runs on the GPU and on the virtual one.
#include <tilery/copy.hpp>
#include <tilery/cuda.hpp>
#include <tilery/gemm.hpp>
#include <tilery/virtual_gpu.hpp>

#include <cstdio>
#include <vector>

// A block computes 64 x 128 of C, 16 of k at a time; each lane 8 x 8. A policy that breaks a rule does not compile.
constexpr tilery::gemm_simt_policy mine{.block = {64, 128, 16}, .lane = {8, 8}};

template <class Executor>
float gemm_on(const Executor& executor) {
  const int n = 256;
  std::vector<float> ones(n * n, 1.0f), result(n * n);
  tilery::buffer<float, 2> a(executor, n, n), b(executor, n, n), c(executor, n, n);
  tilery::copy(executor, tilery::matrix(ones.data(), n, n), a);
  tilery::copy(executor, tilery::matrix(ones.data(), n, n), b);

  tilery::gemm<mine>(executor, a, b, c);  // this kernel and no other
  try {
    const auto shifted = tilery::matrix(a.data_handle() + 1, n, n - 4, n);  // no longer at a multiple of 16 bytes
    tilery::gemm<mine>(executor, shifted, tilery::rows(b.view(), 0, n - 4), c);
  } catch (const tilery::error& e) {
    std::printf("refused: %s\n", e.what());
  }

  tilery::copy(executor, c, tilery::matrix(result.data(), n, n));
  executor.wait();
  return result[0];
}

int main() {
  std::printf("%s\n", tilery::describe(mine).c_str());
  float value = 0;
  if (!tilery::with_cuda([&](const auto& gpu) { value = gemm_on(gpu); }))
    value = gemm_on(tilery::virtual_gpu(tilery::arch::sm_90));
  std::printf("256 ones times 256 ones = %g\n", value);
  return value == 256 ? 0 : 1;
}
