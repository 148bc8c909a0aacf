// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a kernel must have static void run(Lane lane, const P& params, shared& smem), a template of Lane
#include "operands.hpp"

struct k_params {
  int n;
};

struct k {
  static constexpr const char* name = "k";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
  using shared = tilery::no_shared;

  template <class Lane>
#ifdef BROKEN
  TILERY_SIMT static void run(Lane, const k_params&) {
  }
#else
  TILERY_SIMT static void run(Lane, const k_params&, shared&) {
  }
#endif
};

void use(const k_params& p) { tilery::launch<k>(tilery::cpu(), {1}, p); }
