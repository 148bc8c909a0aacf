// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an executor must state its traits: static constexpr bool uses_cpu_kernels, blocks_may_wait, has_doubles
#include "operands.hpp"

struct my_executor : tilery::host_memory {
  using lane = tilery::cpu_lane;
#ifndef BROKEN
  static constexpr bool uses_cpu_kernels = true, blocks_may_wait = false, has_doubles = true;
#endif
  static constexpr int parameter_bytes() { return 1024; }
  int threads() const { return 1; }
  tilery::arch target(tilery::where = {}) const { return tilery::arch::cpu; }
  template <class Body>
  void parallel(std::int64_t n, const Body& body, int = 1) const {
    for (std::int64_t i = 0; i < n; ++i) body(i);
  }
  template <class Kernel, class Params>
  void run(tilery::index3, const Params&, const tilery::operands&, tilery::where) const {}
};

void use() { tilery::softmax(my_executor(), a, c); }
