// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Memory order and scope of atomics and fences, as in the PTX memory model.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

enum class order : int { relaxed, acquire, release, acquire_release };
/// The lanes for which an atomic or a fence is ordered: those of the block, of the device, or of all devices and the
/// host.
enum class scope : int { block, device, system };

/// The default scope of an atomic: the block for shared memory, the device for global memory.
template <atomic_pointer P>
inline constexpr scope scope_of = is_shared_pointer<P> ? scope::block : scope::device;

}  // namespace tilery::inline TILERY_ABI
