// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whether strided tensors share memory, decided by arithmetic on their strides. The difference of the addresses of two
// elements is d + sum of i_k s_k, where each i_k is a difference of two indices: the tensors share memory if that sum
// can be smaller than an element. With two strides the equation is solved exactly (extended Euclid); further strides
// are tried one value after the other, those alone that the smaller strides can make up for.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// One term i * stride of a sum, with the least and the largest i.
struct stride_term {
  std::int64_t stride, low, high;
};

/// The terms of a sum, by falling stride.
class stride_sum {
public:
  /// Values of outer terms that are tried for a question before the search gives up: some ten milliseconds.
  static constexpr std::int64_t most_tries = std::int64_t{1} << 16;

  /// Adds a term, and returns whether it is a new one: one with the stride of an earlier term becomes a part of that.
  /// Strides are not negative; one of 0 adds nothing.
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

  /// Whether the sum can be one of the values from `low` to `high`. A search that gives up says no.
  bool can_be_within(std::int64_t low, std::int64_t high) const {
    std::int64_t tries = most_tries, unit = 0;  // every sum is a multiple of the unit
    for (int i = 0; i < size_; ++i) unit = greatest_divisor(terms_[i].stride, unit);
    for (std::int64_t value = low; value <= high; ++value)
      if ((unit == 0 ? value == 0 : value % unit == 0) && can_be(value, 0, tries)) return true;
    return false;
  }
  /// Whether the sum can be 0 without all of its terms being 0: whether one tensor, whose terms have 0 as their least
  /// value, has two elements in one place.
  bool can_vanish() const {
    std::int64_t tries = most_tries;
    for (int i = 0; i < size_; ++i) {  // the first term that differs from 0, made positive by choice
      stride_sum rest;
      for (int j = i + 1; j < size_; ++j) rest.add(terms_[j].stride, -terms_[j].high, terms_[j].high);
      const auto [least, most] = rest.range(0);
      for (std::int64_t t = 1; t <= terms_[i].high && t * terms_[i].stride <= most; ++t) {
        if (rest.size_ == 1) {  // t s_i = u s_j, least t: s_j / gcd
          const std::int64_t s = terms_[i].stride, u = rest.terms_[0].stride, g = greatest_divisor(s, u);
          if (u / g <= terms_[i].high && s / g <= rest.terms_[0].high) return true;
          break;
        }
        if (--tries < 0) return false;
        if (rest.can_be(t * terms_[i].stride, 0, tries)) return true;
      }
    }
    return false;
  }

private:
  static constexpr int most_terms = 10;  // two tensors of rank 5

  struct interval {
    std::int64_t least, most;
  };

  static std::int64_t greatest_divisor(std::int64_t a, std::int64_t b) {
    while (b != 0) {
      const std::int64_t rest = a % b;
      a = b, b = rest;
    }
    return a;
  }
  static std::int64_t rounded_down(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0); }
  static std::int64_t rounded_up(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0); }

  /// What the terms from `first` on can add up to, at the least and at the most.
  interval range(int first) const {
    interval all{0, 0};
    for (int i = first; i < size_; ++i)
      all.least += terms_[i].low * terms_[i].stride, all.most += terms_[i].high * terms_[i].stride;
    return all;
  }

  bool can_be(std::int64_t value, int first, std::int64_t& tries) const {
    if (first == size_) return value == 0;
    const stride_term& outer = terms_[first];
    if (first + 1 == size_)
      return value % outer.stride == 0 && value / outer.stride >= outer.low && value / outer.stride <= outer.high;
    const interval rest = range(first + 1);  // value - i s must be within
    const std::int64_t low = greater(outer.low, rounded_up(value - rest.most, outer.stride));
    const std::int64_t high = lesser(outer.high, rounded_down(value - rest.least, outer.stride));
    if (first + 2 == size_) return solves_two(value, outer, terms_[first + 1], low, high);
    for (std::int64_t i = low; i <= high; ++i)
      if (--tries < 0 || can_be(value - i * outer.stride, first + 1, tries)) return tries >= 0;
    return false;
  }

  /// Whether i s + j t = value for an i in [low, high], for which j is within its bounds: whether one of these i is a
  /// solution modulo t.
  static bool solves_two(std::int64_t value, const stride_term& outer, const stride_term& inner, std::int64_t low,
                         std::int64_t high) {
    if (low > high) return false;
    std::int64_t a = outer.stride, b = inner.stride, x = 1, y = 0;  // a = x s modulo t, b = y s modulo t
    while (b != 0) {
      const std::int64_t times = a / b, rest = a - times * b, z = x - times * y;
      a = b, b = rest, x = y, y = z;
    }
    if (value % a != 0) return false;
    const std::int64_t period = inner.stride / a;
    const auto within = [period](std::int64_t i) { return (i % period + period) % period; };
    const auto i = static_cast<std::int64_t>(static_cast<__int128>(within(value / a)) * within(x) % period);
    return low + within(i - low) <= high;
  }

  stride_term terms_[most_terms];
  int size_ = 0;
};

}  // namespace tilery::inline TILERY_ABI
