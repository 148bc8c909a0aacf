// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a kernel's needs must be a set of features: static constexpr features needs = features::copy_async
#include "operands.hpp"

struct k_params {
  int n;
};

struct k {
  static constexpr const char* name = "k";
  static constexpr int threads = 32;
#ifdef BROKEN
  static constexpr bool needs = true;
#else
  static constexpr tilery::features needs = tilery::features::none;
#endif
  static constexpr bool allows_one_lane = true;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane, const k_params&, shared&) {}
};

void use(const k_params& p) { tilery::launch<k>(tilery::cpu(), {1}, p); }
