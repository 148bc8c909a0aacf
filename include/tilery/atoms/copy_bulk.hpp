// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cp.async.bulk: one lane starts a copy of a contiguous range, and the SM's copy engine performs it (sm_90 and later).
// The size and both addresses must be multiples of 16 bytes. The engine accesses memory through the asynchronous proxy:
// it sees data that lanes wrote to shared memory only after a proxy fence (fence_proxy below). PTX ISA 8.5,
// "cp.async.bulk", "fence.proxy.async".
// In host code, `lane.engine()` performs the copies: on the virtual GPU (the executor that runs and checks GPU kernels
// on the host) simt/virtual_engine.hpp, on the CPU simt/engine.hpp.
#pragma once
#pragma GCC system_header

#include <tilery/atoms/mbarrier.hpp>
#include <tilery/simt/has_text.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// Starts a copy of `bytes` bytes from global to shared memory. Each byte that arrives counts in the current phase of
/// `barrier` (mbarrier.hpp). A lane must announce the bytes in that phase with arrive_and_expect(), and each lane must
/// wait() for the end of that phase before it reads the copied data.
template <class Lane, class T>
TILERY_SIMT void copy_bulk([[maybe_unused]] const Lane& lane, smem_ptr<T> to, gmem_ptr<const T> from, int bytes,
                           mbarrier& barrier, [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::copy_bulk, Lane>,
                "copy_bulk is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   shared_address(to.raw())),
               "l"(from.raw()), "r"(bytes), "r"(shared_address(&barrier))
               : "memory");
#else
  lane.engine().copy_bulk_in(to.raw(), from.raw(), bytes, &barrier, at);
#endif
}

/// Starts a copy of `bytes` bytes from shared to global memory. The copy belongs to the group that this lane's next
/// call of commit_bulk() commits.
template <class Lane, class T>
TILERY_SIMT void copy_bulk([[maybe_unused]] const Lane& lane, gmem_ptr<T> to, smem_ptr<T> from, int bytes,
                           [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::copy_bulk, Lane>,
                "copy_bulk is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(to.raw()),
               "r"(shared_address(from.raw())), "r"(bytes)
               : "memory");
#else
  lane.engine().copy_bulk_out(to.raw(), from.raw(), bytes, at);
#endif
}

/// Commits a group: all bulk copies to global memory that this lane has started since it committed its last group.
template <class Lane>
TILERY_SIMT void commit_bulk([[maybe_unused]] const Lane& lane, [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::copy_bulk, Lane>,
                "commit_bulk is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
#else
  lane.engine().commit_bulk(at);
#endif
}

/// Waits until the copies of all groups of this lane, except the Most newest groups, have read their sources in shared
/// memory. This lane may then overwrite these sources; other lanes may after a barrier with this lane.
template <int Most, class Lane>
TILERY_SIMT void wait_bulk_reads([[maybe_unused]] const Lane& lane, [[maybe_unused]] where at = {}) {
  static_assert(
      has_text<features::copy_bulk, Lane>,
      "wait_bulk_reads is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(Most) : "memory");
#else
  lane.engine().wait_bulk(Most, true, at);
#endif
}
/// Waits until the copies of all groups of this lane, except the Most newest groups, have written global memory.
template <int Most, class Lane>
TILERY_SIMT void wait_bulk([[maybe_unused]] const Lane& lane, [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::copy_bulk, Lane>,
                "wait_bulk is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.bulk.wait_group %0;" ::"n"(Most) : "memory");
#else
  lane.engine().wait_bulk(Most, false, at);
#endif
}

/// Executes a proxy fence: the copy engine, which accesses memory through the asynchronous proxy, then sees each write
/// to shared memory that is visible to this lane at the fence.
template <class Lane>
TILERY_SIMT void fence_proxy([[maybe_unused]] const Lane& lane, [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::copy_bulk, Lane>,
                "fence_proxy is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#else
  lane.engine().fence_proxy(at);
#endif
}

}  // namespace tilery::inline TILERY_ABI::atoms
