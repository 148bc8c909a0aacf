// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Division of an index by an extent that is known at run time only, as a multiplication and a shift. Kernels use it to
// turn the number of a pixel into its image, row and column: GPUs have no instruction for integer division.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// A divisor d, 1 <= d < 2^31, for dividends n, 0 <= n < 2^31.
///
/// Formula. With s = ceil(log2 d) and m = floor(2^(31 + s) / d) + 1: n / d = (n m) >> (31 + s), rounded down. m d
/// exceeds 2^(31 + s) by at most d <= 2^s, so the error of n m / 2^(31 + s) is at most n / (d 2^31) < 1 / d: too
/// little to reach the next integer (Granlund and Montgomery, "Division by Invariant Integers using Multiplication",
/// 1994).
class divisor {
public:
  constexpr divisor() = default;
  constexpr explicit divisor(std::int32_t d) : divisor_(d) {
    while ((std::int64_t{1} << shift_) < d) ++shift_;
    factor_ = static_cast<std::uint32_t>((std::uint64_t{1} << (31 + shift_)) / static_cast<std::uint32_t>(d) + 1);
  }

  TILERY_SIMT constexpr std::int32_t value() const { return divisor_; }
  /// Returns n / d, rounded down.
  TILERY_SIMT constexpr std::int32_t quotient(std::int32_t n) const {
    return static_cast<std::int32_t>((static_cast<std::uint64_t>(static_cast<std::uint32_t>(n)) * factor_) >>
                                     (31 + shift_));
  }
  /// Returns n modulo d, and divides n by d.
  TILERY_SIMT constexpr std::int32_t split(std::int32_t& n) const {
    const std::int32_t all = n;
    n = quotient(all);
    return all - n * divisor_;
  }

private:
  std::int32_t divisor_ = 1, shift_ = 0;
  std::uint32_t factor_ = 0x80000001u;  // for d = 1: 2^31 + 1
};

/// A divisor of 64-bit dividends that are not negative. If the host knows that all dividends are below 2^31, the
/// division is a multiplication.
class wide_divisor {
public:
  constexpr wide_divisor() = default;
  /// `largest` is at least as large as every dividend.
  constexpr wide_divisor(std::int64_t d, std::int64_t largest) : value_(d) {
    constexpr std::int64_t limit = (std::int64_t{1} << 31) - 1;
    is_narrow_ = d <= limit && largest <= limit;
    if (is_narrow_) narrow_ = divisor(static_cast<std::int32_t>(d));
  }

  TILERY_SIMT constexpr std::int64_t value() const { return value_; }
  /// Returns n / d, rounded down.
  TILERY_SIMT constexpr std::int64_t quotient(std::int64_t n) const {
    return is_narrow_ ? narrow_.quotient(static_cast<std::int32_t>(n)) : n / value_;
  }

private:
  std::int64_t value_ = 1;
  divisor narrow_;
  bool is_narrow_ = true;
};

}  // namespace tilery::inline TILERY_ABI
