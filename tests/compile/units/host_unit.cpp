// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One unit of a program whose units are compiled for different instruction sets. UNIT is the name of its function.
#include "tests/compile/units/answer.hpp"

#include <tilery/cpu.hpp>

/// Whether this unit's results are right; its instruction set where this machine has it, else -1.
int UNIT(bool& is_right) {
  if (tilery::running_isa() < tilery::native_isa) return -1;
  is_right = right(answer_on(
      tilery::cpu(), [](auto&... operands) { tilery::gemm(operands...); },
      [](auto&... operands) { tilery::softmax(operands...); }));
  return static_cast<int>(tilery::native_isa);
}
