// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of many numbers in one lane. A chain of n additions may be off by n units of rounding; a sum of partial sums, of
// about sqrt(n) numbers each and at least 32, by 32 + 2.2 sqrt(n).
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// How many numbers a partial sum has of `count`: a power of two within sqrt(2) of their root, and at least 32.
TILERY_SIMT constexpr int partial_sum_length(std::int64_t count) {
  std::int64_t length = 32;
  while (2 * length * length < count) length *= 2;
  return static_cast<int>(length);
}

/// A sum over e^(x - from) as one over e^(x - to). An empty sum stays empty, however far apart the two are.
template <class T>
TILERY_SIMT T rescaled(T sum, T from, T to) {
  return sum == T(0) ? T(0) : sum * math::exp{}(from - to);
}

/// The sum of up to `count` values, one after the other. T is a number or a pack.
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

/// The same in partial sums.
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
