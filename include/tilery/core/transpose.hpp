// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A square of N packs of N elements, transposed in registers: log2(N) rounds of exchanges between two packs.
#pragma once

#include <tilery/core/pack.hpp>

#include <utility>

namespace tilery::inline TILERY_ABI {

/// One exchange of a transposition: lanes whose index has the bit `Distance` come from `high`, the others from `low`;
/// the upper half of each square of two times Distance lanes is taken where `Upper`.
template <int Distance, bool Upper, class T, int N>
SIMT pack<T, N> exchange(const pack<T, N>& low, const pack<T, N>& high) {
  pack<T, N> result;
#ifdef __CUDA_ARCH__
  TILERY_UNROLL
  for (int i = 0; i < N; ++i)
    result.native[i] = i & Distance ? high.native[Upper ? i : i - Distance] : low.native[Upper ? i + Distance : i];
#else
  [&]<int... I>(std::integer_sequence<int, I...>) {
    result.native = __builtin_shufflevector(
        low.native, high.native, (I & Distance ? N + (Upper ? I : I - Distance) : (Upper ? I + Distance : I))...);
  }(std::make_integer_sequence<int, N>{});
#endif
  return result;
}

/// Element j of pack i and element i of pack j change places.
template <int Distance, class T, int N>
SIMT void transpose_from(pack<T, N> (&square)[N]) {
  if constexpr (Distance > 0) {
    TILERY_UNROLL
    for (int i = 0; i < N; ++i) {
      if (i & Distance) continue;
      const auto low = square[i], high = square[i + Distance];
      square[i] = exchange<Distance, false>(low, high);
      square[i + Distance] = exchange<Distance, true>(low, high);
    }
    transpose_from<Distance / 2>(square);
  }
}

template <class T, int N>
SIMT void transpose(pack<T, N> (&square)[N]) {
  transpose_from<N / 2>(square);
}

}  // namespace tilery
