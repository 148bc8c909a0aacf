// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// bar.sync and bar.arrive: barriers 1 to 15 of a block, of some of its warps. Producers arrive and go on, consumers
// wait. Whole warps come. PTX ISA 8.5, "bar, barrier".
#pragma once
#pragma GCC system_header

#include <tilery/core/where.hpp>

namespace tilery::inline TILERY_ABI::atoms {

/// Waits until `lanes` lanes (a multiple of 32) have come to barrier `number`, those that only arrive included.
template <class Lane>
TILERY_SIMT void sync_named([[maybe_unused]] const Lane& lane, [[maybe_unused]] int number, [[maybe_unused]] int lanes,
                            [[maybe_unused]] where at = {}) {
#ifdef __CUDA_ARCH__
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(lanes) : "memory");
#else
  lane.engine().named(number, lanes, true, at);
#endif
}

/// Comes to barrier `number` and goes on.
template <class Lane>
TILERY_SIMT void arrive_named([[maybe_unused]] const Lane& lane, [[maybe_unused]] int number,
                              [[maybe_unused]] int lanes, [[maybe_unused]] where at = {}) {
#ifdef __CUDA_ARCH__
  asm volatile("bar.arrive %0, %1;" ::"r"(number), "r"(lanes) : "memory");
#else
  lane.engine().named(number, lanes, false, at);
#endif
}

}  // namespace tilery::inline TILERY_ABI::atoms
