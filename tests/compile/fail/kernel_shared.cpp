// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a kernel must have a type of its shared memory: struct shared, or using shared = no_shared
#include "operands.hpp"

struct k_params {
  int n;
};

struct k {
  static constexpr const char* name = "k";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
#ifndef BROKEN
  using shared = tilery::no_shared;
#endif

  template <class Lane>
  TILERY_SIMT static void run(Lane, const k_params&, tilery::no_shared&) {}
};

void use(const k_params& p) { tilery::launch<k>(tilery::cpu(), {1}, p); }
