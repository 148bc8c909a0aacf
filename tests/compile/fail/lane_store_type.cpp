// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: lane.store: the value must have the type of the pointer's elements, or be a pack of them
#include "operands.hpp"

struct clear_params {
  tilery::gmem_ptr<float> x;
};

struct clear {
  static constexpr const char* name = "clear";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const clear_params& p, shared&) {
#ifdef BROKEN
    lane.store(p.x + lane.rank(), 0);
#else
    lane.store(p.x + lane.rank(), 0.0f);
#endif
  }
};

void use(const clear_params& p) { tilery::launch<clear>(tilery::cpu(), {1}, p); }
