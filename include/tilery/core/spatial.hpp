// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One number for each spatial dimension of an op (a stride, a padding, a window), or the same number for all of them.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <concepts>
#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// N numbers, one for each spatial dimension, in the order of the view's dimensions: {depth, height, width}, {height,
/// width} or {width}. A single number stands for all dimensions: `.stride = 2` is `.stride = {2, 2}` of a 2-D op.
template <int N>
struct spatial {
  static_assert(N >= 1 && N <= 3, "an op must have 1 to 3 spatial dimensions");
  std::int32_t of[N] = {};

  constexpr spatial() = default;
  template <std::convertible_to<std::int32_t> Number>
  constexpr spatial(Number all) {
    for (std::int32_t& number : of) number = static_cast<std::int32_t>(all);
  }
  template <std::convertible_to<std::int32_t>... Numbers>
  requires(N > 1 && sizeof...(Numbers) == N) constexpr spatial(Numbers... numbers)
      : of{static_cast<std::int32_t>(numbers)...} {}

  TILERY_SIMT constexpr std::int32_t operator[](int dimension) const { return of[dimension]; }
  /// The product of all numbers: the elements of a block with these extents.
  constexpr std::int64_t volume() const {
    std::int64_t product = 1;
    for (std::int32_t number : of) product *= number;
    return product;
  }
  friend constexpr bool operator==(const spatial&, const spatial&) = default;

  /// The three numbers of the same op in three dimensions: the missing first dimensions get `missing`.
  constexpr spatial<3> in_three(std::int32_t missing) const {
    spatial<3> all(missing);
    for (int d = 0; d < N; ++d) all.of[3 - N + d] = of[d];
    return all;
  }
};

}  // namespace tilery::inline TILERY_ABI
