// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A network's training loop on the CPU.
#pragma once

#include <tilery/cpu.hpp>

#include <cstdio>

#include "program.hpp"
#include "training.hpp"

namespace tilery_examples {

/// On so many threads; 0: all.
template <template <class> class Network>
trainer trainer_on_cpu(int threads) {
  const tilery::cpu host = threads ? tilery::cpu(threads) : tilery::cpu();
  if (const char* slow = tilery::cpu::slow_build()) std::printf("note: %s\n", slow);
  return {"the CPU with " + std::to_string(host.threads()) + (host.threads() == 1 ? " thread" : " threads"),
          [host](const dataset& data, const train_options& o, const checkpoint* resumed) {
            return train<Network>(host, data, o, resumed);
          }};
}

}  // namespace tilery_examples
