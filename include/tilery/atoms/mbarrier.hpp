// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mbarrier: a barrier in shared memory that counts arrivals of lanes and bytes of bulk copies (copy_bulk.hpp; sm_90 and
// later). A phase ends when all expected arrivals and bytes have come; then the next phase begins. Phases are numbered
// from 0. A waiting lane names a phase by its parity (number % 2). An arrival is a release operation, a wait is an
// acquire operation.
// PTX ISA 8.5, "Parallel Synchronization and Communication Instructions: mbarrier".
// In host code, `lane.engine()` implements the barriers. On the virtual GPU (the executor that runs and checks GPU
// kernels on the host) that is simt/virtual_engine.hpp. On the CPU a block has one lane, and the functions below do
// nothing (simt/engine.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/atoms/shared_address.hpp>
#include <tilery/core/where.hpp>
#include <tilery/simt/has_text.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// An mbarrier's state, as a member of a kernel's `shared` struct.
struct mbarrier {
  alignas(8) std::uint64_t state;
};

namespace atoms {

/// Initialises an mbarrier for `arrivals` arrivals per phase. One lane calls this; a block barrier must follow before
/// other lanes use the mbarrier. If bulk copies count in the mbarrier, the calling lane must also execute fence_proxy
/// (copy_bulk.hpp) before that block barrier, because the copy engine accesses the mbarrier through the asynchronous
/// proxy.
template <class Lane>
TILERY_SIMT void init([[maybe_unused]] const Lane& lane, mbarrier& barrier, int arrivals,
                      [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::mbarrier, Lane>,
                "init is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(&barrier)), "r"(arrivals) : "memory");
#else
  lane.engine().init(&barrier, arrivals, at);
#endif
}

/// Ends an mbarrier, so that its memory can be used for something else. One lane calls this. If other lanes used the
/// mbarrier, a block barrier must come between their last use and this call.
template <class Lane>
TILERY_SIMT void invalidate([[maybe_unused]] const Lane& lane, mbarrier& barrier, [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::mbarrier, Lane>,
                "invalidate is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("mbarrier.inval.shared::cta.b64 [%0];" ::"r"(shared_address(&barrier)) : "memory");
#else
  lane.engine().invalidate(&barrier, at);
#endif
}

/// Arrives once in the current phase. A lane that has waited for the end of this phase sees all that the arriving lane
/// wrote before this call.
template <class Lane>
TILERY_SIMT void arrive([[maybe_unused]] const Lane& lane, mbarrier& barrier, [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::mbarrier, Lane>,
                "arrive is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("{ .reg .b64 state; mbarrier.arrive.shared::cta.b64 state, [%0]; }" ::"r"(shared_address(&barrier))
               : "memory");
#else
  lane.engine().arrive(&barrier, 1, 0, at);
#endif
}

/// Arrives once in the current phase, and adds `bytes` to the bytes of bulk copies that this phase expects: the phase
/// ends only after all these bytes have arrived.
template <class Lane>
TILERY_SIMT void arrive_and_expect([[maybe_unused]] const Lane& lane, mbarrier& barrier, int bytes,
                                   [[maybe_unused]] where at = {}) {
  static_assert(
      has_text<features::mbarrier, Lane>,
      "arrive_and_expect is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("{ .reg .b64 state; mbarrier.arrive.expect_tx.shared::cta.b64 state, [%0], %1; }" ::"r"(
                   shared_address(&barrier)),
               "r"(bytes)
               : "memory");
#else
  lane.engine().arrive(&barrier, 1, bytes, at);
#endif
}

/// Waits until the phase of this parity has ended. If the current phase has this parity, the call waits for the end of
/// the current phase. Otherwise the phase before the current one has this parity; that phase has ended, and the call
/// returns immediately. (The instruction try_wait also returns when a time limit of the hardware has passed, therefore
/// the loop.)
template <class Lane>
TILERY_SIMT void wait([[maybe_unused]] const Lane& lane, mbarrier& barrier, int parity,
                      [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::mbarrier, Lane>,
                "wait is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile(
      "{ .reg .pred over;\n"
      "again: mbarrier.try_wait.parity.shared::cta.b64 over, [%0], %1;\n"
      "@!over bra again; }" ::"r"(shared_address(&barrier)),
      "r"(parity)
      : "memory");
#else
  lane.engine().wait_phase(&barrier, static_cast<std::uint32_t>(parity), at);
#endif
}

}  // namespace atoms

}  // namespace tilery::inline TILERY_ABI
