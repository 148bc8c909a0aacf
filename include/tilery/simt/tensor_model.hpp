// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the virtual GPU's tensor cores compute.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>

namespace tilery::inline TILERY_ABI {

/// The arithmetic of an arch's tensor cores: bit for bit, or in plain float, which is fast and rounds a little better.
struct tensor_model {
  arch target = arch::sm_90;
  bool exact = false;
};

/// What a whole warp does at once: `shares` are what its 32 lanes brought.
using warp_work = void (*)(void* const* shares, tensor_model how);

}  // namespace tilery::inline TILERY_ABI
