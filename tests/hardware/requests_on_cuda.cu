// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All requests on the GPU, a launch each, their names printed in the order of the launches: what a profiler is put in
// front of.
//
//   hardware_requests
#include "tests/hardware/requests.hpp"

#include <tilery/cuda.hpp>

#include <cstdio>

int main() try {
  using namespace tilery;
  using namespace tilery_tests;
  if (cuda_devices() == 0) return std::fprintf(stderr, "hardware_requests: there is no GPU\n"), 77;
  const cuda executor;
  const std::size_t bytes = request_units * 16;
  const allocation in = executor.allocate(bytes), out = executor.allocate(bytes), result = executor.allocate(32 * 4);
  executor.zero_bytes(in.get(), bytes);
  for (const request& r : all_requests()) {
    visit_request_kernel(r.kind, r.bytes, [&](auto kernel) {
      using K = decltype(kernel);
      using T = typename K::element;
      request_params<T> p{gmem_ptr<const T>(static_cast<const T*>(in.get())),
                          gmem_ptr<T>(static_cast<T*>(out.get())),
                          gmem_ptr<float>(static_cast<float*>(result.get())),
                          r.lanes,
                          {}};
      std::copy(r.at, r.at + 32, p.at);
      launch<K>(executor, {1}, p);
    });
    std::printf("launch: %s\n", r.name().c_str());
  }
  executor.wait();
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "hardware_requests: %s\n", e.what());
  return 1;
}
