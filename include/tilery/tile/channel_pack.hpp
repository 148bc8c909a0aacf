// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Packs of channels of a pixel: N neighbouring channels, converted to the accumulation type. On the CPU a pixel's last
// pack may have fewer channels than N; a GPU's policy with packs serves whole packs only (policies/depthwise.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/simt/memory.hpp>
#include <tilery/tile/cpu_copy.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Loads N channels from `from` on. If Whole is false, only the first `inside` channels exist; the others are 0.
template <class S, int N, bool Whole, class Lane, class T>
TILERY_SIMT pack<S, N> load_channels(Lane lane, gmem_ptr<T> from, int inside, where at = {}) {
  if constexpr (N == 1)
    return splat<1>(convert<S>(lane.load(from, at)));
  else if constexpr (Whole)
    return convert<S>(lane.load(from, width<N>, at));
  else
    return load_some<S, N>(lane, from, 1, inside);
}

/// Converts N values to T and stores them, or only the first `inside` of them if Whole is false.
template <bool Whole, class Lane, class T, class S, int N>
TILERY_SIMT void store_channels(Lane lane, gmem_ptr<T> to, int inside, pack<S, N> values, where at = {}) {
  if constexpr (N == 1)
    lane.store(to, convert<T>(values[0]), at);
  else if constexpr (Whole)
    lane.store(to, convert<T>(values), at);
  else
    store_some<T>(lane, to, 1, inside, values);
}

/// True if a coordinate is in bounds.
TILERY_SIMT bool is_inside(int coordinate, int extent) {
  return static_cast<std::uint32_t>(coordinate) < static_cast<std::uint32_t>(extent);
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
