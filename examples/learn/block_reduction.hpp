// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the lanes of a block have, combined, and given to all of them: within each warp by shuffles, which cost no
// memory, then across the warps through one word of shared memory for each. Lesson softmax 2 explains it.
#pragma once

#include <tilery/kernel.hpp>

namespace learn {

using namespace tilery;

/// A value for each of eight warps. Each reduction needs its own: a slow warp may still read the one before.
using of_warps = shared_array<float, 8>;

/// The values of the 256 lanes of a block combined by f.
template <class F, class Lane>
TILERY_SIMT float reduce_block(Lane lane, of_warps& slots, F f, float value, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("reduce", at);
  TILERY_UNROLL
  for (int mask = Lane::warp_size / 2; mask > 0; mask /= 2) value = f(value, lane.shuffle_xor(value, mask));
  if (lane.warp_rank() == 0) lane.store(slots.at(lane.warp()), value);
  lane.sync_block();
  return fold(f, lane.load(slots.at(0), width<8>));
}

}  // namespace learn
