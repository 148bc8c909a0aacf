// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The arithmetic of the virtual GPU's tensor cores.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>

namespace tilery::inline TILERY_ABI {

/// Selects the arithmetic of modelled tensor cores. `exact` computes the same bits as the arch `target`. Otherwise sums
/// are plain float, which is faster and has slightly smaller rounding errors.
struct tensor_model {
  arch target = arch::sm_90;
  bool exact = false;
};

/// The work of an instruction that a whole warp executes together: shares[i] is the argument of lane i, of 32 lanes.
using warp_work = void (*)(void* const* shares, tensor_model how);

}  // namespace tilery::inline TILERY_ABI
