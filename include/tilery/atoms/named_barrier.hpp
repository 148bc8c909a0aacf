// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// bar.sync and bar.arrive: the named barriers 1 to 15 of a block, which synchronise some of the block's warps (barrier
// 0 is the block's __syncthreads). A producer warp arrives and continues; a consumer warp arrives and waits. All lanes
// of a warp must call these functions together. PTX ISA 8.5, "bar, barrier".
#pragma once
#pragma GCC system_header

#include <tilery/core/where.hpp>
#include <tilery/simt/has_text.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// Arrives at barrier `number`, and waits until `lanes` lanes (a multiple of 32) have arrived, this lane included, by
/// sync_named or by arrive_named. The barrier is then ready for use again. All arrivals that complete it together must
/// pass the same `lanes`.
template <class Lane>
TILERY_SIMT void sync_named([[maybe_unused]] const Lane& lane, [[maybe_unused]] int number, [[maybe_unused]] int lanes,
                            [[maybe_unused]] where at = {}) {
  static_assert(has_text<features::named_barriers, Lane>,
                "sync_named is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(lanes) : "memory");
#else
  lane.engine().named(number, lanes, true, at);
#endif
}

/// Arrives at barrier `number` and continues without a wait. `lanes` is the number of lanes whose arrivals the barrier
/// needs, as in sync_named.
template <class Lane>
TILERY_SIMT void arrive_named([[maybe_unused]] const Lane& lane, [[maybe_unused]] int number,
                              [[maybe_unused]] int lanes, [[maybe_unused]] where at = {}) {
  static_assert(
      has_text<features::named_barriers, Lane>,
      "arrive_named is not available on this device; the kernel must name its feature in needs: " TILERY_PASS);
#ifdef __CUDA_ARCH__
  asm volatile("bar.arrive %0, %1;" ::"r"(number), "r"(lanes) : "memory");
#else
  lane.engine().named(number, lanes, false, at);
#endif
}

}  // namespace tilery::inline TILERY_ABI::atoms
