// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One planted kernel, or its twin, on the GPU: what a tool such as compute-sanitizer is put in front of.
//
//   hardware_planted               prints the kernels' names
//   hardware_planted NAME [twin]   runs one; a CUDA error is told and gives the status 1, as some faults should
#include "tests/hardware/planted_kernels.hpp"

#include <tilery/cuda.hpp>

#include <cstdio>
#include <cstring>
#include <vector>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// cudaMalloc and not the executor's pool: the tools know the bounds of what is allocated by itself.
template <class T>
gmem_ptr<T> allocate(int n) {
  void* memory = nullptr;
  check_cuda(cudaMalloc(&memory, static_cast<std::size_t>(n) * sizeof(T)), "cudaMalloc", {});
  return gmem_ptr<T>(static_cast<T*>(memory));
}

/// Nothing is read back: a tool would count a copy of what was never written as a finding of its own.
template <class Kernel>
void run() {
  constexpr int n = planted_elements;
  const planted_params p{allocate<float>(n), allocate<float>(n), allocate<float>(n), allocate<int>(1), n};
  const std::vector<float> values(n, 1.0f);
  check_cuda(cudaMemcpy(const_cast<float*>(p.in.raw()), values.data(), n * sizeof(float), cudaMemcpyDefault),
             "cudaMemcpy", {});
  check_cuda(cudaMemset(p.out.raw(), 0, n * sizeof(float)), "cudaMemset", {});
  check_cuda(cudaMemset(p.flag.raw(), 0, sizeof(int)), "cudaMemset", {});
  const cuda executor;
  launch<Kernel>(executor, {Kernel::blocks}, p);
  executor.wait();
}

}  // namespace

int main(int count, char** arguments) try {
  if (count == 1) {
    for_each_planted([](auto planted) { std::puts(decltype(planted)::wrong::name); });
    return 0;
  }
  const bool twin = count == 3 && std::strcmp(arguments[2], "twin") == 0;
  if (count > 3 || (count == 3 && !twin)) return std::fprintf(stderr, "usage: hardware_planted [NAME [twin]]\n"), 2;
  if (cuda_devices() == 0) return std::fprintf(stderr, "hardware_planted: there is no GPU\n"), 77;
  bool known = false;
  for_each_planted([&](auto planted) {
    using both = decltype(planted);
    if (std::strcmp(both::wrong::name, arguments[1]) != 0) return;
    known = true;
    if (twin)
      run<typename both::right>();
    else
      run<typename both::wrong>();
  });
  if (!known) std::fprintf(stderr, "hardware_planted: there is no kernel %s\n", arguments[1]);
  return known ? 0 : 2;
} catch (const std::exception& e) {
  std::fprintf(stderr, "hardware_planted: %s\n", e.what());
  return 1;
}
