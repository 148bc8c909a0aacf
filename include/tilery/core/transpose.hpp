// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Transposes a square of N packs of N elements in registers; N is a power of two. In each of log2(N) rounds, pairs of
// packs exchange half of their elements.
#pragma once
#pragma GCC system_header

#include <tilery/core/pack.hpp>

#include <type_traits>
#include <utility>

namespace tilery::inline TILERY_ABI {

/// The source of element i of an exchange's result: an index in the low pack, or `width` + an index in the high pack.
/// The source is in the high pack if i has the bit `distance`, otherwise in the low pack. The index in this pack is i
/// with the bit `distance` set if `upper` is true, and cleared if `upper` is false.
TILERY_SIMT constexpr int exchanged_lane(int i, int distance, bool upper, int width) {
  const int lane = upper ? i | distance : i & ~distance;
  return i & distance ? width + lane : lane;
}

/// One of the two results of an exchange between a low and a high pack: the new low pack if Upper is false, the new
/// high pack if Upper is true.
template <int Distance, bool Upper, class T, int N, int... Index>
TILERY_SIMT pack<T, N> exchange(const pack<T, N>& low, const pack<T, N>& high, std::integer_sequence<int, Index...>) {
  pack<T, N> result;
#if defined(__CUDA_ARCH__)
  TILERY_UNROLL
  for (int i = 0; i < N; ++i) {
    const int from = exchanged_lane(i, Distance, Upper, N);
    result.native[i] = from < N ? low.native[from] : high.native[from - N];
  }
#elif defined(__clang__)
  result.native = __builtin_shufflevector(low.native, high.native, exchanged_lane(Index, Distance, Upper, N)...);
#else
  using index =
      std::conditional_t<sizeof(T) == 8, std::int64_t, std::conditional_t<sizeof(T) == 4, std::int32_t, std::int16_t>>;
  typedef index indices __attribute__((vector_size(N * sizeof(index))));
  result.native = __builtin_shuffle(low.native, high.native, indices{exchanged_lane(Index, Distance, Upper, N)...});
#endif
  return result;
}

/// Does the rounds of a transposition with distances Distance, Distance / 2, ..., 1. A round exchanges between the
/// packs i and i + distance, for each i without the bit `distance`.
template <int Distance, class T, int N>
TILERY_SIMT void transpose_from(pack<T, N> (&square)[N]) {
  if constexpr (Distance > 0) {
    TILERY_UNROLL
    for (int i = 0; i < N; ++i) {
      if (i & Distance) continue;
      const auto low = square[i], high = square[i + Distance];
      square[i] = exchange<Distance, false>(low, high, std::make_integer_sequence<int, N>{});
      square[i + Distance] = exchange<Distance, true>(low, high, std::make_integer_sequence<int, N>{});
    }
    transpose_from<Distance / 2>(square);
  }
}

/// Transposes the square: exchanges element j of pack i with element i of pack j, for all i and j.
template <class T, int N>
TILERY_SIMT void transpose(pack<T, N> (&square)[N]) {
  transpose_from<N / 2>(square);
}

}  // namespace tilery::inline TILERY_ABI
