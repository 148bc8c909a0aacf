// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All access patterns on the GPU, a launch each, their names printed in the order of the launches: what a profiler is
// put in front of.
//
//   hardware_patterns
#include "tests/hardware/access_patterns.hpp"

#include <tilery/cuda.hpp>

#include <cstdio>
#include <vector>

int main() try {
  using namespace tilery;
  using namespace tilery_tests;
  if (cuda_devices() == 0) return std::fprintf(stderr, "hardware_patterns: there is no GPU\n"), 77;
  const cuda executor;
  const std::size_t bytes = pattern_words * sizeof(float);
  const std::vector<float> values(pattern_words, 1.0f);
  const allocation in = executor.allocate(bytes), out = executor.allocate(bytes);
  executor.copy_bytes(in.get(), values.data(), bytes);
  const pattern_params p{gmem_ptr<const float>(static_cast<const float*>(in.get())),
                         gmem_ptr<float>(static_cast<float*>(out.get()))};
  for_each_pattern([&](auto each) {
    launch<typename decltype(each)::kernel>(executor, {1}, p);
    std::printf("launch: %s\n", decltype(each)::value.name().c_str());
  });
  executor.wait();
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "hardware_patterns: %s\n", e.what());
  return 1;
}
