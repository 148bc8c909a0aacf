// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of floating-point numbers that are exact until they are read, and therefore do not depend on the order of their
// terms. A floating-point number is an integer (its fraction with the hidden bit) times a power of two. The integer is
// added by atomic operations to the 64-bit counters for this power. The sum is rounded once, when it is read.
//
// Source. Kulisch's accumulator (U. Kulisch, W. Miranker, "Computer arithmetic in theory and practice", 1981), here
// with room for carries in each counter, as for parallel reductions by S. Collange et al., Parallel Computing 49, 2015.
#pragma once
#pragma GCC system_header

#include <tilery/simt/memory.hpp>
#include <tilery/simt/order.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// A 64-bit type that CUDA's atomic addition supports. A counter is read as a signed number in two's complement.
using exact_counter = unsigned long long;

/// The split of a number of type S among counters. Counter i holds multiples of 2^(spacing i) times the smallest
/// denormal number. Let p = exponent - lowest (0 for a denormal number). The number's integer is shifted left by p
/// modulo `spacing` bits, and cut into `pieces` pieces below 2^32. They are added to the counters from number p /
/// spacing on, or subtracted if the number is negative. So 2^31 numbers do not overflow a counter.
///
/// Members. `fraction`: stored bits of the fraction. `exponents`: number of exponents of normal numbers. `lowest`: the
/// exponent of the smallest normal number.
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

/// The sum of up to 2^31 numbers of type S. It is stored in `size` counters, `stride` elements apart, which the caller
/// sets to 0 before the first addition. The sum of no numbers, or of zeros, is +0.
///
/// Accuracy. The sum is exact until it is read. Then it is rounded once, to nearest, ties to even.
///
/// NaN and infinity. A sum beyond the largest number of S is infinite. If there are infinities of one sign among the
/// numbers, the sum is this infinity. If there are infinities of both signs, or a NaN, the sum is NaN.
template <class S>
struct exact_sum {
  using grid = exact_grid<S>;
  /// The number of counters for finite numbers. When the sum is read, each gives one digit of `spacing` bits and a
  /// carry.
  static constexpr int digits = (grid::exponents - 1) / grid::spacing + grid::pieces;
  /// The number of counters. The last one counts infinities: positive ones in its low 32 bits, negative ones in its
  /// high 32 bits. A NaN counts as one of each sign.
  static constexpr int size = digits + 1;

  /// Adds x to the sum. Any number of lanes may add at the same time.
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
        field == 0 ? fraction : fraction | hidden;  // |x| = whole 2^(position + lowest - grid::fraction)
    if (whole == 0) return;
    const int position = field == 0 ? 0 : field - 1, shift = position % grid::spacing;
    const exact_counter low = whole << shift, high = shift == 0 ? 0 : whole >> (64 - shift);
    // The shifted integer, up to 84 bits for double, in pieces of 32 bits; for float it is below 2^31.
    const exact_counter piece[3] = {grid::pieces == 1 ? low : low & 0xffffffffu, low >> 32, high};
    TILERY_UNROLL
    for (int i = 0; i < grid::pieces; ++i)
      lane.atomic_add(counters + (position / grid::spacing + i) * stride, negative ? -piece[i] : piece[i],
                      order::relaxed, scope::device, at);
  }

  /// Returns the sum. All additions must be complete.
  template <class Lane>
  TILERY_SIMT static S total(Lane lane, gmem_ptr<const exact_counter> counters, std::int64_t stride, where at = {}) {
    int lowest = digits, highest = -1;  // the first and last counter that is not 0; most sums use few counters
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < digits; ++i) {  // all loads are in flight together
      const bool is_used = lane.load(counters + i * stride, at) != 0;
      if (is_used && lowest == digits) lowest = i;
      if (is_used) highest = i;
    }
    // From the lowest counter up, each counter plus the carry gives one digit and the next carry. The digits are a
    // number in two's complement. `window` holds its upper 128 bits so far. The leading digits that only repeat the
    // sign are dropped: digits 0 of a positive sum, digits of all ones of a negative sum. The sign is known only after
    // the last carry; until then `positive` and `negative` hold the window that each sign would need. If all digits of
    // a negative sum are ones, the sum is -2^(spacing lowest). `negative` then keeps its start value (0, with at =
    // lowest - 1), for which minus() returns 2^(spacing lowest), the magnitude.
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
  static constexpr exact_counter above = exact_counter{1} << 32;  // one negative infinity in the last counter
  static constexpr bits_type sign = bits_type{1} << (8 * sizeof(S) - 1);
  static constexpr bits_type infinite = static_cast<bits_type>(grid::exponents + 1) << grid::fraction;

  /// The upper 128 bits (`high`, `low`) of a number below 2^(spacing (at + 1)), in units of the smallest denormal
  /// number. `more` is true if any bit below them is set.
  struct leading {
    exact_counter high = 0, low = 0;
    bool more = false;
    int at = -1;

    /// Puts digit number `place` above the bits so far, whose lowest ones move into `more`.
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
          ++other.high == 0) {  // this number is 0: the result is one bit, the lowest of the next digit
        other.high = exact_counter{1} << (64 - grid::spacing);
        ++other.at;
      }
      return other;
    }
  };

  /// Returns the magnitude x as a number of type S with the sign bit `with_sign`, rounded to nearest, ties to even.
  TILERY_SIMT static S rounded(leading x, bits_type with_sign) {
    if (x.high == 0 && x.low == 0) return S(0);
    // `exponent`: bit 63 of x.high has the value 2^exponent; the loop shifts x until this bit is 1.
    int exponent = grid::spacing * (x.at + 1) - 1 + grid::lowest - grid::fraction;
    for (; x.high >> 63 == 0; --exponent) x.high = x.high << 1 | x.low >> 63, x.low <<= 1;
    // A sum below the smallest normal number is a denormal number, without rounding: every sum is a multiple of the
    // smallest denormal number.
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
