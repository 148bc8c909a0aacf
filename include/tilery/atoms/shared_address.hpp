// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Addresses as instructions on shared memory take them.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// The 32-bit address of something in shared memory. Device code only.
TILERY_SIMT unsigned shared_address([[maybe_unused]] const void* generic) {
#ifdef __CUDA_ARCH__
  return static_cast<unsigned>(__cvta_generic_to_shared(generic));
#else
  return 0;
#endif
}

}  // namespace tilery::inline TILERY_ABI::atoms
