// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training on the CPU.
#include <tilery/cpu.hpp>

#include "trainers.hpp"
#include "training.hpp"

namespace tilery_examples {

trainer trainer_on_cpu(int threads) {
  const tilery::cpu host = threads ? tilery::cpu(threads) : tilery::cpu();
  if (const char* slow = tilery::cpu::slow_build()) std::printf("note: %s\n", slow);
  return {"the CPU with " + std::to_string(host.threads()) + (host.threads() == 1 ? " thread" : " threads"),
          [host](const dataset& data, const train_options& o) { return train(host, data, o); }};
}

}  // namespace tilery_examples
