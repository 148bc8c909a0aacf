// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cp.async: a lane starts a copy of 4, 8 or 16 bytes from global to shared memory and continues (sm_80 and later). A
// lane commits its copies in groups and waits for its own groups, the oldest first. A barrier must follow the wait
// before other lanes read the data. PTX ISA 8.5, "Data Movement and Conversion Instructions: cp.async".
// In host code, `lane.engine()` performs the copies: on the virtual GPU (the executor that runs and checks GPU kernels
// on the host) simt/virtual_engine.hpp, on the CPU simt/engine.hpp.
#pragma once
#pragma GCC system_header

#include <tilery/atoms/shared_address.hpp>
#include <tilery/core/where.hpp>
#include <tilery/simt/has_text.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// Starts a copy of Bytes bytes. Only the first `valid` bytes (0 to Bytes) of the source are read; the rest of the
/// destination becomes zero. Both addresses must be multiples of Bytes.
template <int Bytes, class Lane, class T>
TILERY_SIMT void copy_async([[maybe_unused]] const Lane& lane, smem_ptr<T> to, gmem_ptr<const T> from,
                            int valid = Bytes, [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::copy_async, Lane>,
                "copy_async is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
#ifdef __CUDA_ARCH__
  if constexpr (Bytes == 16)  // .cg, for 16 bytes only, bypasses L1: a copy to shared memory gains nothing from L1
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

/// Starts a copy of Bytes bytes if `inside` is true. If not, the copy reads nothing and writes Bytes zero bytes. Both
/// addresses must be multiples of Bytes.
///
/// This function passes `inside` as PTX's operand ignore-src, a predicate. copy_async passes `valid` as the operand
/// src-size, which is slower: the compiler adds ten instructions to each copy, which adjust the address. These
/// instructions took a fifth of a GEMM's time on an H200.
template <int Bytes, class Lane, class T>
TILERY_SIMT void copy_async_if([[maybe_unused]] const Lane& lane, smem_ptr<T> to, gmem_ptr<const T> from, bool inside,
                               [[maybe_unused]] where at = {}) {
  static_assert(
      has_text<features::copy_async, Lane>,
      "copy_async_if is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
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

/// Commits a group: all copies that this lane has started since it committed its last group.
template <class Lane>
TILERY_SIMT void commit_copies([[maybe_unused]] const Lane& lane, [[maybe_unused]] where at = {}) {
  static_assert(
      has_text<features::copy_async, Lane>,
      "commit_copies is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  lane.engine().commit(at);
#endif
}

/// Waits until at most the Most newest groups of this lane are in flight: the copies of all older groups are complete.
/// Copies that are not committed yet are not waited for.
template <int Most, class Lane>
TILERY_SIMT void wait_copies([[maybe_unused]] const Lane& lane, [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::copy_async, Lane>,
                "wait_copies is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.wait_group %0;" ::"n"(Most) : "memory");
#else
  lane.engine().wait(Most, at);
#endif
}

}  // namespace tilery::inline TILERY_ABI::atoms
