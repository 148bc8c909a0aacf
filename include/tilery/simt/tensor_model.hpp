// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the virtual GPU computes the sums of tensor cores.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>

namespace tilery::inline TILERY_ABI {

/// Selects the arithmetic of modelled tensor cores. If `exact` is true, sums have the same bits as on the arch
/// `target`. Otherwise float sums are added up in plain float arithmetic, which is faster and has slightly smaller
/// rounding errors.
struct tensor_model {
  arch target = arch::sm_90;
  bool exact = false;
};

/// A function that computes an instruction for a whole warp: shares[i] is the argument that lane i of 32 passes.
using warp_work = void (*)(void* const* shares, tensor_model how);

}  // namespace tilery::inline TILERY_ABI
