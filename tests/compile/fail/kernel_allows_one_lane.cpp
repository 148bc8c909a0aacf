// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a kernel must say if it is correct for a block of one lane: static constexpr bool allows_one_lane
#include "operands.hpp"

struct k_params {
  int n;
};

struct k {
  static constexpr const char* name = "k";
  static constexpr int threads = 32;
#ifndef BROKEN
  static constexpr bool allows_one_lane = true;
#endif
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane, const k_params&, shared&) {}
};

void use(const k_params& p) { tilery::launch<k>(tilery::cpu(), {1}, p); }
