// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All ops on the GPU, a kernel each, their names printed in the order of the launches: what a profiler is put in front
// of.
//
//   hardware_ops
#include "tests/hardware/ops.hpp"

#include <tilery/cuda.hpp>

#include <cstdio>

int main() try {
  if (tilery::cuda_devices() == 0) return std::fprintf(stderr, "hardware_ops: there is no GPU\n"), 77;
  const tilery::cuda executor;
  tilery_tests::for_each_op([&](const std::string& name, const auto& call) {
    call(executor);
    std::printf("launch: %s\n", name.c_str());
  });
  executor.wait();
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "hardware_ops: %s\n", e.what());
  return 1;
}
