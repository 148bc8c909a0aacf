// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of many numbers in one lane. A chain of n additions has an error of at most n u, with u the unit roundoff (2^-24
// for float), relative to the sum of the magnitudes of the numbers. If partial sums, each of about sqrt(n) numbers and
// at least 32, are added up, the error is at most (32 + 2.2 sqrt(n)) u.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Returns the length of a partial sum for `count` numbers: the smallest power of two that is at least 32 and at least
/// sqrt(count / 2). If it is above 32, it is below sqrt(2 count).
TILERY_SIMT constexpr int partial_sum_length(std::int64_t count) {
  std::int64_t length = 32;
  while (2 * length * length < count) length *= 2;
  return static_cast<int>(length);
}

/// Converts a sum of e^(x - from) to the sum of e^(x - to) over the same x. A sum of 0 stays 0, even if e^(from - to)
/// is infinite.
template <class T>
TILERY_SIMT T rescaled(T sum, T from, T to) {
  return sum == T(0) ? T(0) : sum * math::exp{}(from - to);
}

/// A sum of values that are added in one chain, for few values. T is a number or a pack. The constructor's argument,
/// the number of values, is unused: it is there because long_sum needs it. rescale() is for values e^(x - from): it
/// replaces their sum by the sum of the values e^(x - to).
template <class T>
class short_sum {
public:
  TILERY_SIMT explicit short_sum(std::int64_t) {}
  TILERY_SIMT void add(T x) { total_ = total_ + x; }
  TILERY_SIMT T value() const { return total_; }
  TILERY_SIMT void rescale(T from, T to) { total_ = rescaled(total_, from, to); }

private:
  T total_{};
};

/// A sum of up to `count` values, added in partial sums of partial_sum_length(count) values. rescale() is as for
/// short_sum.
template <class T>
class long_sum {
public:
  TILERY_SIMT explicit long_sum(std::int64_t count) : length_(partial_sum_length(count)), left_(length_) {}
  TILERY_SIMT void add(T x) {
    partial_ = partial_ + x;
    if (--left_ > 0) return;
    total_ = total_ + partial_;
    partial_ = T{}, left_ = length_;
  }
  TILERY_SIMT T value() const { return total_ + partial_; }
  TILERY_SIMT void rescale(T from, T to) {
    total_ = rescaled(total_, from, to), partial_ = rescaled(partial_, from, to);
  }

private:
  T total_{}, partial_{};
  int length_, left_;  // number of values of a partial sum, and how many of them the current partial sum still lacks
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
