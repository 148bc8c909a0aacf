// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: this kernel is not correct for a block of one lane; the op needs a CPU kernel of its own
#include "operands.hpp"

struct reverse_params {
  tilery::gmem_ptr<float> x;
};

/// Lane i and lane 127 - i exchange their elements: there is no such thing as a lane alone.
struct reverse {
  static constexpr const char* name = "reverse";
  static constexpr int threads = 128;
  static constexpr bool allows_one_lane = false;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const reverse_params& p, shared&) {
    const float x = lane.load(p.x + (threads - 1 - lane.rank()));
    lane.sync_block();
    lane.store(p.x + lane.rank(), x);
  }
};

#ifdef BROKEN
void use(const reverse_params& p) { tilery::launch<reverse>(tilery::cpu(), {1}, p); }
#else
void use(const reverse_params& p) { tilery::launch<reverse>(gpu(), {1}, p); }
#endif
