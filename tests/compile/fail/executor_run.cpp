// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: an executor must have target, parameter_bytes and run<Kernel>(blocks, params, operands, where)
#include "operands.hpp"

struct no_params {};

struct nothing {
  static constexpr const char* name = "nothing";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane, const no_params&, shared&) {}
};

struct my_executor : tilery::host_memory {
  using lane = tilery::cpu_lane;
  static constexpr bool uses_cpu_kernels = false, blocks_may_wait = false, has_doubles = true;
  static constexpr int parameter_bytes() { return 1024; }
  tilery::arch target(tilery::where = {}) const { return tilery::arch::cpu; }
#ifndef BROKEN
  template <class Kernel, class Params>
  void run(tilery::index3, const Params&, const tilery::operands&, tilery::where) const {}
#endif
};

void use() { tilery::launch<nothing>(my_executor(), {1}, no_params{}); }
