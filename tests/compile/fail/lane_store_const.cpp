// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: lane.store: the pointer must not be to const elements
#include "operands.hpp"

#ifdef BROKEN
struct clear_params {
  tilery::gmem_ptr<const float> x;
};
#else
struct clear_params {
  tilery::gmem_ptr<float> x;
};
#endif

struct clear {
  static constexpr const char* name = "clear";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const clear_params& p, shared&) {
    lane.store(p.x + lane.rank(), 0.0f);
  }
};

void use(const clear_params& p) { tilery::launch<clear>(tilery::cpu(), {1}, p); }
