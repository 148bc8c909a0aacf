// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Memory order and scope of atomics and fences, as in the PTX memory model.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI {

enum class order : int { relaxed, acquire, release, acquire_release };
enum class scope : int { block, device, system };

}  // namespace tilery::inline TILERY_ABI
