// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a kernel with a cluster must need clusters: static constexpr features needs = features::clusters
#include "operands.hpp"

struct no_params {};

struct exchange {
  static constexpr const char* name = "exchange";
  static constexpr int threads = 32;
#ifdef BROKEN
  static constexpr tilery::features needs = tilery::features::copy_async;
#else
  static constexpr tilery::features needs = tilery::features::clusters;
#endif
  static constexpr bool allows_one_lane = false;
  static constexpr int cluster = 2;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane, const no_params&, shared&) {}
};

void use() { tilery::launch<exchange>(gpu(), {2}, no_params{}); }
