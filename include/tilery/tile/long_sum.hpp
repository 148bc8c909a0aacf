// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of many numbers in one lane. The error of a chain of n additions is at most n units of rounding. The error of a
// sum of partial sums, each of about sqrt(n) numbers and at least 32, is at most 32 + 2.2 sqrt(n) units.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The length of a partial sum for `count` numbers: a power of two, at least 32, and from there on between sqrt(count /
/// 2) and sqrt(2 count).
TILERY_SIMT constexpr int partial_sum_length(std::int64_t count) {
  std::int64_t length = 32;
  while (2 * length * length < count) length *= 2;
  return static_cast<int>(length);
}

/// Converts a sum of e^(x - from) to a sum of e^(x - to). A sum of 0 stays 0, even if e^(from - to) is infinite.
template <class T>
TILERY_SIMT T rescaled(T sum, T from, T to) {
  return sum == T(0) ? T(0) : sum * math::exp{}(from - to);
}

/// The sum of up to `count` values, added one after the other. T is a number or a pack.
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

/// The sum of up to `count` values, in partial sums.
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
  int length_, left_;
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
