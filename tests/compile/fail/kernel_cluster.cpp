// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a kernel's cluster must be 1 to 8 blocks: more are not portable
#include "operands.hpp"

struct no_params {};

struct exchange {
  static constexpr const char* name = "exchange";
  static constexpr int threads = 32;
  static constexpr tilery::features needs = tilery::features::clusters;
  static constexpr bool allows_one_lane = false;
#ifdef BROKEN
  static constexpr int cluster = 16;
#else
  static constexpr int cluster = 8;
#endif
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane, const no_params&, shared&) {}
};

void use() { tilery::launch<exchange>(gpu(), {16}, no_params{}); }
