// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The 32-bit shared-memory addresses that PTX instructions take.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// Converts a generic pointer to shared memory into a 32-bit shared-memory address. Device code only: 0 on the host.
TILERY_SIMT unsigned shared_address([[maybe_unused]] const void* generic) {
#ifdef __CUDA_ARCH__
  return static_cast<unsigned>(__cvta_generic_to_shared(generic));
#else
  return 0;
#endif
}

}  // namespace tilery::inline TILERY_ABI::atoms
