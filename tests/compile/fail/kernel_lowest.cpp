// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a kernel's lowest must be an arch: static constexpr arch lowest = arch::sm_90
#include "operands.hpp"

struct k_params {
  int n;
};

struct k {
  static constexpr const char* name = "k";
  static constexpr int threads = 32;
#ifdef BROKEN
  static constexpr int lowest = 90;
#else
  static constexpr tilery::arch lowest = tilery::arch::cpu;
#endif
  static constexpr bool allows_one_lane = true;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane, const k_params&, shared&) {}
};

void use(const k_params& p) { tilery::launch<k>(tilery::cpu(), {1}, p); }
