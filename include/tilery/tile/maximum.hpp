// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The largest of many values, and its place (the number of its pixel), for N channels at once. The first of equal
// values wins, and the first NaN wins against every number.
#pragma once
#pragma GCC system_header

#include <tilery/core/pack.hpp>

#include <limits>
#include <type_traits>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The type of places beside values of type S: an integer of the same size, so that one comparison of vectors selects
/// both.
template <class S>
using index_beside = std::conditional_t<sizeof(S) == 8, std::int64_t, std::int32_t>;

/// `mine` if best stays the maximum beside x, otherwise `other`. best stays if it is NaN or at least x; so an x of NaN
/// replaces a number.
struct keep_if_largest {
  template <class V, class W>
  TILERY_SIMT W operator()(W mine, V best, V x, W other) const {
    return (best >= x) | (best != best) ? mine : other;
  }
};

/// Selects between two maxima: `mine`, of the value `best` at `place`, and `other`, of the value `later` at
/// `later_place`. `other` wins if its value is larger, or is NaN and the other value is not. If both values are equal
/// or both are NaN, the lower place wins.
struct keep_if_first {
  template <class V, class W, class Place>
  TILERY_SIMT W operator()(W mine, V best, V later, W other, Place place, Place later_place) const {
    const auto unlike = (best < later) | ((later != later) & (best == best));
    const auto alike = (best == later) | ((later != later) & (best != best));
    return unlike | (alike & (later_place < place)) ? other : mine;
  }
};

/// sum + x where a equals b; otherwise the sum.
struct add_if_equal {
  template <class V, class W>
  TILERY_SIMT V operator()(V sum, W a, W b, V x) const {
    return sum + (a == b ? x : V{});
  }
};

/// The place of a maximum without a value: it is after the places of all pixels.
inline constexpr std::int32_t no_pixel = 0x7fffffff;

/// The value of a maximum before its first number. (A variable: device code cannot call the functions of <limits>.)
template <class S>
inline constexpr S below_all = -std::numeric_limits<S>::infinity();

/// A maximum of each of N channels; its place is kept if WithPlace.
template <class S, int N, bool WithPlace>
struct maximum {
  using index = index_beside<S>;
  struct no_place {};
  pack<S, N> value;
  std::conditional_t<WithPlace, pack<index, N>, no_place> place;

  /// Starts without a value: -infinity. `first` is the place if all values are -infinity.
  TILERY_SIMT void begin(std::int32_t first) {
    value = splat<N>(below_all<S>);
    if constexpr (WithPlace) place = splat<N>(static_cast<index>(first));
  }
  /// Takes the values at the next place.
  TILERY_SIMT void add(const pack<S, N>& x, std::int32_t at) {
    if constexpr (WithPlace) place = apply(keep_if_largest{}, place, value, x, splat<N>(static_cast<index>(at)));
    value = apply(keep_if_largest{}, value, value, x, x);
  }
  /// Takes another maximum, of other places. With places, the order of the calls does not matter; without them, the
  /// sign of a zero and the payload of a NaN depend on it.
  TILERY_SIMT void merge(const maximum& other) {
    if constexpr (WithPlace) {
      const pack<S, N> mine = value;
      const pack<index, N> here = place;
      value = apply(keep_if_first{}, mine, mine, other.value, other.value, here, other.place);
      place = apply(keep_if_first{}, here, mine, other.value, other.place, here, other.place);
    } else {
      value = apply(keep_if_largest{}, value, value, other.value, other.value);
    }
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
