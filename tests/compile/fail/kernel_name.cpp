// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a kernel must have a name: static constexpr const char* name
#include "operands.hpp"

struct k_params {
  int n;
};

struct k {
#ifndef BROKEN
  static constexpr const char* name = "k";
#endif
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane, const k_params&, shared&) {}
};

void use(const k_params& p) { tilery::launch<k>(tilery::cpu(), {1}, p); }
