// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cp.async: a lane copies 4, 8 or 16 bytes from global to shared memory without waiting for them (sm_80 and later).
// Copies are committed in groups, and waited for group by group; the wait is the lane's own: others need a barrier
// behind it. PTX ISA 8.5, "Data Movement and Conversion Instructions: cp.async".
#pragma once
#pragma GCC system_header

#include <tilery/atoms/shared_address.hpp>
#include <tilery/core/where.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// Begins to copy Bytes bytes; behind the first `valid` ones (0 to Bytes) it writes zeros and reads nothing. Both
/// addresses are multiples of Bytes.
template <int Bytes, class Lane, class T>
TILERY_SIMT void copy_async([[maybe_unused]] const Lane& lane, smem_ptr<T> to, gmem_ptr<const T> from,
                            int valid = Bytes, [[maybe_unused]] where at = {}) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
#ifdef __CUDA_ARCH__
  if constexpr (Bytes == 16)  // past the first cache, which has nothing to gain from data that goes to shared memory
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to.raw())), "l"(from.raw()),
                 "r"(valid)
                 : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(to.raw())), "l"(from.raw()),
                 "n"(Bytes), "r"(valid)
                 : "memory");
#else
  lane.engine().copy(to.raw(), from.raw(), Bytes, valid, at);
#endif
}

/// Begins to copy Bytes bytes, or to write as many zeros where `inside` is false and nothing is read. Cheaper than a
/// number of valid bytes, which moves the address.
template <int Bytes, class Lane, class T>
TILERY_SIMT void copy_async_if([[maybe_unused]] const Lane& lane, smem_ptr<T> to, gmem_ptr<const T> from, bool inside,
                               [[maybe_unused]] where at = {}) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
#ifdef __CUDA_ARCH__
  if constexpr (Bytes == 16)
    asm volatile(
        "{ .reg .pred outside; setp.eq.u32 outside, %2, 0; cp.async.cg.shared.global [%0], [%1], 16, outside; }" ::"r"(
            shared_address(to.raw())),
        "l"(from.raw()), "r"(static_cast<int>(inside))
        : "memory");
  else
    asm volatile(
        "{ .reg .pred outside; setp.eq.u32 outside, %3, 0; cp.async.ca.shared.global [%0], [%1], %2, outside; }" ::"r"(
            shared_address(to.raw())),
        "l"(from.raw()), "n"(Bytes), "r"(static_cast<int>(inside))
        : "memory");
#else
  lane.engine().copy(to.raw(), from.raw(), Bytes, inside ? Bytes : 0, at);
#endif
}

/// Ends a group: all copies of this lane since the group before.
template <class Lane>
TILERY_SIMT void commit_copies([[maybe_unused]] const Lane& lane, [[maybe_unused]] where at = {}) {
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  lane.engine().commit(at);
#endif
}

/// Waits until at most Most groups of this lane are under way.
template <int Most, class Lane>
TILERY_SIMT void wait_copies([[maybe_unused]] const Lane& lane, [[maybe_unused]] where at = {}) {
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.wait_group %0;" ::"n"(Most) : "memory");
#else
  lane.engine().wait(Most, at);
#endif
}

}  // namespace tilery::inline TILERY_ABI::atoms
