// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: shared memory is read by lane.load(x.at(i)) and written by lane.store(x.at(i), value)
#include "operands.hpp"

struct first_params {
  tilery::gmem_ptr<float> x;
};

struct first {
  static constexpr const char* name = "first";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
  struct shared {
    tilery::shared_array<float, 4> sums;
  };

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const first_params& p, shared& smem) {
    lane.store(smem.sums.at(0), 1.0f);
#ifdef BROKEN
    lane.store(p.x, smem.sums[0]);
#else
    lane.store(p.x, lane.load(smem.sums.at(0)));
#endif
  }
};

void use(const first_params& p) { tilery::launch<first>(tilery::cpu(), {1}, p); }
