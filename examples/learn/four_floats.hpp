// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Four neighbouring floats in one instruction of 16 bytes, and one by one where a row ends before the fourth.
#pragma once

#include <tilery/kernel.hpp>

namespace learn {

using namespace tilery;

/// The elements at p of which `inside` are in the row (it may be more, or none); the others are `outside`.
template <class Lane>
TILERY_SIMT pack<float, 4> load_four(Lane lane, gmem_ptr<const float> p, int inside, float outside, where at = {}) {
  if (inside >= 4) return lane.load(p, width<4>, at);
  auto values = splat<4>(outside);
  for (int i = 0; i < inside; ++i) values.set(i, lane.load(p + i, at));
  return values;
}

template <class Lane>
TILERY_SIMT void store_four(Lane lane, gmem_ptr<float> p, int inside, pack<float, 4> values, where at = {}) {
  if (inside >= 4) return lane.store(p, values, at);
  for (int i = 0; i < inside; ++i) lane.store(p + i, values[i], at);
}

}  // namespace learn
