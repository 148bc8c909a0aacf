// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums whose bits do not depend on the order of their terms. A number is an integer times a power of two. Its integer
// is added to the 64-bit counters of its exponent by atomic operations, and integers may be added in any order. The sum
// is rounded once, when it is read.
//
// Source. Kulisch's accumulator (U. Kulisch, W. Miranker, "Computer arithmetic in theory and practice", 1981), here
// with room for carries in each counter, as for parallel reductions by S. Collange et al., Parallel Computing 49, 2015.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// A type of 64 bits that CUDA's atomic addition supports. Counters are read as signed numbers.
using exact_counter = unsigned long long;

/// How a number of S is split among counters. Its fraction is shifted left by its exponent modulo `spacing`, and cut
/// into `pieces` pieces below 2^32, each for a counter of its own: 2^31 numbers do not overflow a counter.
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

/// The sum of up to 2^31 numbers of S. It is kept in `size` counters, `stride` apart, which are 0 before the first
/// addition. The sum of no numbers, or of zeros, is 0.
///
/// Accuracy. The sum is exact until it is read; then it is rounded to nearest, ties to even.
///
/// NaN and infinity. A sum beyond the largest number is infinite. Infinities of one sign make the sum that infinity;
/// infinities of both signs, or a NaN, make it NaN.
template <class S>
struct exact_sum {
  using grid = exact_grid<S>;
  static constexpr int digits = (grid::exponents - 1) / grid::spacing + grid::pieces;
  static constexpr int size =
      digits + 1;  // the last one counts infinities: positive in its low 32 bits, negative in its high

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
    const exact_counter whole =
        field == 0 ? fraction : fraction | hidden;  // |x| = whole 2^(position + lowest - fraction)
    if (whole == 0) return;
    const int position = field == 0 ? 0 : field - 1, shift = position % grid::spacing;
    const exact_counter low = whole << shift, high = shift == 0 ? 0 : whole >> (64 - shift);
    const exact_counter piece[3] = {grid::pieces == 1 ? low : low & 0xffffffffu, low >> 32, high};
    TILERY_UNROLL
    for (int i = 0; i < grid::pieces; ++i)
      lane.atomic_add(counters + (position / grid::spacing + i) * stride, negative ? -piece[i] : piece[i],
                      order::relaxed, scope::device, at);
  }

  /// Returns the sum. All additions must be complete.
  template <class Lane>
  TILERY_SIMT static S total(Lane lane, gmem_ptr<const exact_counter> counters, std::int64_t stride, where at = {}) {
    int lowest = digits, highest = -1;  // the counters that are not 0 are between them; most sums have few
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < digits; ++i) {  // all loads are in flight together
      const bool is_used = lane.load(counters + i * stride, at) != 0;
      if (is_used && lowest == digits) lowest = i;
      if (is_used) highest = i;
    }
    // From the lowest counter up, each counter plus the carry gives one digit, `spacing` bits of a number in two's
    // complement, and the next carry. The number ends at its highest digit that is not mere sign: other than 0 if the
    // sum is positive, other than all ones if it is negative. The sign is known after the last carry, so both
    // candidates are kept.
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

  /// The upper 128 bits of a number below 2^(spacing (at + 1)). `more` is true if any bit below them is set.
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
    /// Returns 2^(spacing (at + 1)) minus this number.
    TILERY_SIMT leading minus() const {
      leading other{~high, ~low, more, at};
      if (!more && ++other.low == 0 &&
          ++other.high == 0) {  // the number is 0: the result is one bit, in the next digit
        other.high = exact_counter{1} << (64 - grid::spacing);
        ++other.at;
      }
      return other;
    }
  };

  TILERY_SIMT static S rounded(leading x, bits_type with_sign) {
    if (x.high == 0 && x.low == 0) return S(0);
    int exponent = grid::spacing * (x.at + 1) - 1 + grid::lowest - grid::fraction;  // of the highest bit
    for (; x.high >> 63 == 0; --exponent) x.high = x.high << 1 | x.low >> 63, x.low <<= 1;
    // Below the lowest exponent every sum is exactly a number of S.
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
