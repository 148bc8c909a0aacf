// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: this kernel has clusters of blocks, which the cpu executor does not support; the op needs a CPU kernel of its own
#include "operands.hpp"

struct exchange_params {
  tilery::gmem_ptr<float> x;
};

struct exchange {
  static constexpr const char* name = "exchange";
  static constexpr int threads = 32;
  static constexpr tilery::features needs = tilery::features::clusters;
  static constexpr bool allows_one_lane = true;  // it does not
  static constexpr int cluster = 2;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane, const exchange_params&, shared&) {}
};

#ifdef BROKEN
void use(const exchange_params& p) { tilery::launch<exchange>(tilery::cpu(), {2}, p); }
#else
void use(const exchange_params& p) { tilery::launch<exchange>(gpu(), {2}, p); }
#endif
