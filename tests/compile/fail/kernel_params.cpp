// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// expect: kernel parameters must be trivially copyable
#include "operands.hpp"

#ifdef BROKEN
struct params {
  std::vector<float> x;
};
#else
struct params {
  tilery::gmem_ptr<float> x;
};
#endif

struct nothing {
  static constexpr const char* name = "nothing";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = true;
  using shared = tilery::no_shared;

  template <class Lane>
  TILERY_SIMT static void run(Lane, const params&, shared&) {}
};

void use(const params& p) { tilery::launch<nothing>(tilery::cpu(), {1}, p); }
