// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Decides if strided tensors share memory, by arithmetic on their strides; used by operand_checks.hpp. The addresses of
// two elements differ by d + i_1 s_1 + i_2 s_2 + ..., where d is the distance of the two tensors' pointers, s_k is a
// stride of one of the tensors, and i_k is an index in this dimension (for the second tensor: minus the index). The
// tensors share memory if this difference can be smaller than an element (in absolute value).
//
// For two strides the extended Euclidean algorithm finds out exactly if the sum can have a given value. With more
// strides, the search takes the largest stride first and tries each index for which the sum of the other terms can have
// the remaining value. It tries no index if the possible sums are exactly the multiples, in a range, of the strides'
// greatest common divisor (`gapless`).
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// One term i * stride of a sum, where the index i can be any number in [low, high].
struct stride_term {
  std::int64_t stride, low, high;
};

/// A sum of terms i_k * stride_k, sorted by falling stride.
class stride_sum {
public:
  /// The number of index values that a search tries before it gives up. So many tries take about ten milliseconds.
  static constexpr std::int64_t most_tries = std::int64_t{1} << 16;

  /// Adds the term i * stride with i in [low, high]. Returns false if an earlier term has the same stride: the new
  /// bounds are then added to the earlier term's bounds. The stride must not be negative; a term with stride 0 adds
  /// nothing.
  bool add(std::int64_t stride, std::int64_t low, std::int64_t high) {
    if (stride == 0 || (low == 0 && high == 0)) return true;
    int place = size_;
    for (int i = size_ - 1; i >= 0; --i) {
      if (terms_[i].stride == stride) {
        terms_[i].low += low, terms_[i].high += high;
        return false;
      }
      if (terms_[i].stride < stride) place = i;
    }
    for (int i = size_++; i > place; --i) terms_[i] = terms_[i - 1];
    terms_[place] = {stride, low, high};
    return true;
  }

  /// Returns true if the sum can have a value in [low, high]. Returns false if the search gives up.
  bool can_be_within(std::int64_t low, std::int64_t high) const {
    std::int64_t tries = most_tries;
    const tails inner(*this);
    for (std::int64_t value = low; value <= high; ++value)
      if (can_be(value, 0, inner, tries)) return true;
    return false;
  }
  /// Returns true if two different choices of indices give the same sum: two elements of one tensor then have the same
  /// address. (The difference of the two sums vanishes.) Each term's `low` must be 0. Returns false if the search gives
  /// up.
  bool can_vanish() const {
    std::int64_t tries = most_tries;
    // Of the terms whose index differs between the two choices, term i is the one with the largest stride s. t > 0 is
    // the difference of its indices; the terms after i must make up for t * s.
    for (int i = 0; i < size_; ++i) {
      stride_sum rest;
      for (int j = i + 1; j < size_; ++j) rest.add(terms_[j].stride, -terms_[j].high, terms_[j].high);
      const tails inner(rest);
      const auto& [least, most, unit, gapless] = inner.from[0];
      const std::int64_t s = terms_[i].stride;
      if (unit == 0) continue;  // no inner terms
      // The smallest t for which t * s is a multiple of the unit.
      const std::int64_t first = unit / greatest_divisor(s, unit);
      for (std::int64_t t = first; t <= terms_[i].high && t * s <= most; t += first) {
        if (gapless) return true;
        if (--tries < 0) return false;
        if (rest.can_be(t * s, 0, inner, tries)) return true;
      }
    }
    return false;
  }

private:
  static constexpr int most_terms = 10;  // the dimensions of two tensors of rank 5

  static std::int64_t greatest_divisor(std::int64_t a, std::int64_t b) {
    while (b != 0) {
      const std::int64_t rest = a % b;
      a = b, b = rest;
    }
    return a;
  }
  /// a / b rounded down, and rounded up, for b > 0.
  static std::int64_t rounded_down(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0); }
  static std::int64_t rounded_up(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0); }

  /// The sums that the terms from one term on (the smaller strides) can have. All are multiples of `unit`, the greatest
  /// common divisor of the strides, and in [least, most]. If `gapless`, each multiple of `unit` in this range is a sum.
  struct tail {
    std::int64_t least = 0, most = 0, unit = 0;
    bool gapless = true;
  };
  /// from[i] is the tail of the terms i, i + 1, ... of a sum. The last tail has no terms: its sum and its unit are 0.
  struct tails {
    tail from[most_terms + 1];

    explicit tails(const stride_sum& sum) {
      for (int i = sum.size_ - 1; i >= 0; --i) {
        const auto& [stride, low, high] = sum.terms_[i];
        const tail& inner = from[i + 1];
        from[i] = {inner.least + low * stride, inner.most + high * stride, greatest_divisor(stride, inner.unit),
                   inner.unit == 0 ||
                       (inner.gapless && stride % inner.unit == 0 && stride <= inner.most - inner.least + inner.unit)};
      }
    }
  };

  /// Returns true if the terms from `first` on can have the sum `value`. Each index tried lowers `tries` by 1; below 0
  /// the search gives up and returns false.
  bool can_be(std::int64_t value, int first, const tails& inner, std::int64_t& tries) const {
    const auto& [least, most, unit, gapless] = inner.from[first];
    if (value < least || value > most || (unit != 0 && value % unit != 0)) return false;
    if (gapless) return true;
    const stride_term& outer = terms_[first];
    const tail& rest = inner.from[first + 1];  // for each i tried, value - i * outer.stride is in its range
    const std::int64_t low = greater(outer.low, rounded_up(value - rest.most, outer.stride));
    const std::int64_t high = lesser(outer.high, rounded_down(value - rest.least, outer.stride));
    if (first + 2 == size_) return solves_two(value, outer, terms_[first + 1], low, high);
    for (std::int64_t i = low; i <= high; ++i)
      if (--tries < 0 || can_be(value - i * outer.stride, first + 1, inner, tries)) return tries >= 0;
    return false;
  }

  /// Returns true if i s + j t = value has a solution with i in [low, high], where s is the outer stride and t the
  /// inner stride. The caller chooses [low, high] such that j is then within the inner term's bounds. Therefore it is
  /// enough that i s = value modulo t.
  static bool solves_two(std::int64_t value, const stride_term& outer, const stride_term& inner, std::int64_t low,
                         std::int64_t high) {
    if (low > high) return false;
    // The loop keeps a = x s modulo t and b = y s modulo t. At its end a is the greatest common divisor of s and t.
    std::int64_t a = outer.stride, b = inner.stride, x = 1, y = 0;
    while (b != 0) {
      const std::int64_t times = a / b, rest = a - times * b, z = x - times * y;
      a = b, b = rest, x = y, y = z;
    }
    if (value % a != 0) return false;
    const std::int64_t period = inner.stride / a;
    const auto within = [period](std::int64_t i) { return (i % period + period) % period; };
    // i is a solution of i s = value modulo t, and so is i plus each multiple of the period. The last line takes the
    // smallest solution that is at least `low`.
    const auto i = static_cast<std::int64_t>(static_cast<__int128>(within(value / a)) * within(x) % period);
    return low + within(i - low) <= high;
  }

  stride_term terms_[most_terms];
  int size_ = 0;
};

}  // namespace tilery::inline TILERY_ABI
