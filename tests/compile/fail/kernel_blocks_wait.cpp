// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: a block of this kernel waits for other blocks; the executor does not promise that they make progress
#include "operands.hpp"

struct no_params {};

struct nothing {
  static constexpr const char* name = "nothing";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
#ifdef BROKEN
  static constexpr bool blocks_wait = true;
#endif
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane, const no_params&, shared&) {}
};

void use() { tilery::launch<nothing>(tilery::cpu(), {2}, no_params{}); }
