// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums whose bits do not depend on the order of their numbers. A number is a whole number times a power of two: it is
// added as an integer to the 64-bit counter of its exponents, by an atomic operation, and integers may come in any
// order. The sum is rounded once, when it is read. The idea is Kulisch's accumulator (U. Kulisch, W. Miranker,
// "Computer arithmetic in theory and practice", 1981), here with room for carries in each counter, as for parallel
// reductions by S. Collange et al., Parallel Computing 49, 2015.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// 64 bits that CUDA's atomic addition knows; they are read as signed.
using exact_counter = unsigned long long;

/// How numbers of S become integers. The bits of a fraction, shifted by what its exponent is beyond a multiple of
/// `spacing`, are cut into pieces below 2^32, each for a counter of its own: 2^31 numbers do not overflow one.
template <class S>
struct exact_grid;
template <>
struct exact_grid<float> {
  using bits = std::uint32_t;
  static constexpr int fraction = 23, exponents = 254, lowest = -126, spacing = 8, pieces = 1;
};
template <>
struct exact_grid<double> {
  using bits = std::uint64_t;
  static constexpr int fraction = 52, exponents = 2046, lowest = -1022, spacing = 32, pieces = 3;
};

/// The sum of up to 2^31 numbers of S in `size` counters, all 0 at first, `stride` apart. Rounded to nearest, ties to
/// even; beyond the largest number it is infinite, as it is with an infinity among the numbers. Of both infinities or a
/// NaN it is NaN. A sum of no numbers, or of zeros, is 0.
template <class S>
struct exact_sum {
  using grid = exact_grid<S>;
  static constexpr int digits = (grid::exponents - 1) / grid::spacing + grid::pieces;
  static constexpr int size = digits + 1;  // the last one counts infinities: positive ones below, negative above

  /// Adds x.
  template <class Lane>
  TILERY_SIMT static void add(Lane lane, gmem_ptr<exact_counter> counters, std::int64_t stride, S x, where at = {}) {
    const auto bits = reinterpret<typename grid::bits>(x);
    const auto hidden = typename grid::bits{1} << grid::fraction;
    const int field = static_cast<int>(bits >> grid::fraction & (grid::exponents + 1));
    const bool negative = bits >> (8 * sizeof(bits) - 1);
    const exact_counter fraction = bits & (hidden - 1);
    if (field > grid::exponents) {
      const exact_counter infinities = fraction != 0 ? 1 + above : negative ? above : 1;
      lane.atomic_add(counters + digits * stride, infinities, order::relaxed, scope::device, at);
      return;
    }
    const exact_counter whole = field == 0 ? fraction : fraction | hidden;  // times 2^(position + lowest - fraction)
    if (whole == 0) return;
    const int position = field == 0 ? 0 : field - 1, shift = position % grid::spacing;
    const exact_counter low = whole << shift, high = shift == 0 ? 0 : whole >> (64 - shift);
    const exact_counter piece[3] = {grid::pieces == 1 ? low : low & 0xffffffffu, low >> 32, high};
    TILERY_UNROLL
    for (int i = 0; i < grid::pieces; ++i)
      lane.atomic_add(counters + (position / grid::spacing + i) * stride, negative ? -piece[i] : piece[i],
                      order::relaxed, scope::device, at);
  }

  /// The sum, when nobody adds to it any more.
  template <class Lane>
  TILERY_SIMT static S total(Lane lane, gmem_ptr<const exact_counter> counters, std::int64_t stride, where at = {}) {
    int lowest = digits, highest = -1;  // counters that are not 0: of most sums, few
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < digits; ++i) {  // all loads are under way together
      const bool is_used = lane.load(counters + i * stride, at) != 0;
      if (is_used && lowest == digits) lowest = i;
      if (is_used) highest = i;
    }
    // From the lowest one up, each leaves `spacing` bits of a number in two's complement and hands on a carry. The
    // highest digit that is not only a sign ends the number: one candidate for each sign, which is known at the end.
    constexpr exact_counter mask = (exact_counter{1} << grid::spacing) - 1;
    leading window, positive, negative;
    negative.at = lowest - 1;
    std::int64_t carry = 0;
    for (int i = lowest; i <= highest || (carry != 0 && carry != -1); ++i) {
      const exact_counter counter = i <= highest ? lane.load(counters + i * stride, at) : 0;
      const std::int64_t all = static_cast<std::int64_t>(counter) + carry;
      const exact_counter digit = static_cast<exact_counter>(all) & mask;
      carry = all >> grid::spacing;
      window.push(digit, i);
      if (digit != 0) positive = window;
      if (digit != mask) negative = window;
    }
    const exact_counter infinities = lane.load(counters + digits * stride, at);
    if (infinities != 0) {
      const bool both = infinities % above != 0 && infinities >= above;
      return reinterpret<S>(infinite | (both ? infinite >> 1 : 0) | (infinities < above ? 0 : sign));
    }
    return carry < 0 ? rounded(negative.minus(), sign) : rounded(positive, 0);
  }

private:
  using bits_type = typename grid::bits;
  static constexpr exact_counter above = exact_counter{1} << 32;
  static constexpr bits_type sign = bits_type{1} << (8 * sizeof(S) - 1);
  static constexpr bits_type infinite = static_cast<bits_type>(grid::exponents + 1) << grid::fraction;

  /// The upper 128 bits of a number below 2^(spacing (at + 1)), and whether there is more below them.
  struct leading {
    exact_counter high = 0, low = 0;
    bool more = false;
    int at = -1;

    TILERY_SIMT void push(exact_counter digit, int place) {
      more = more || low << (64 - grid::spacing) != 0;
      low = low >> grid::spacing | high << (64 - grid::spacing);
      high = high >> grid::spacing | digit << (64 - grid::spacing);
      at = place;
    }
    /// What it lacks to 2^(spacing (at + 1)).
    TILERY_SIMT leading minus() const {
      leading other{~high, ~low, more, at};
      if (!more && ++other.low == 0 && ++other.high == 0) {  // it lacks all of it: one bit, in the next place
        other.high = exact_counter{1} << (64 - grid::spacing);
        ++other.at;
      }
      return other;
    }
  };

  TILERY_SIMT static S rounded(leading x, bits_type with_sign) {
    if (x.high == 0 && x.low == 0) return S(0);
    int exponent = grid::spacing * (x.at + 1) - 1 + grid::lowest - grid::fraction;  // of the uppermost bit
    for (; x.high >> 63 == 0; --exponent) x.high = x.high << 1 | x.low >> 63, x.low <<= 1;
    // Below the lowest exponent every sum is a number of S.
    if (exponent < grid::lowest)
      return reinterpret<S>(static_cast<bits_type>(
          with_sign | static_cast<bits_type>(x.high >> (63 - (exponent - grid::lowest + grid::fraction)))));
    constexpr int dropped = 63 - grid::fraction;
    const exact_counter kept = x.high >> dropped, rest = x.high << (64 - dropped), half = exact_counter{1} << 63;
    const bool up = rest > half || (rest == half && (x.low != 0 || x.more || kept % 2 != 0));
    const exact_counter result =
        (static_cast<exact_counter>(exponent - grid::lowest) << grid::fraction) + kept + (up ? 1 : 0);
    return reinterpret<S>(
        static_cast<bits_type>(with_sign | (result > infinite ? infinite : static_cast<bits_type>(result))));
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
