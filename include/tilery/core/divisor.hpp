// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Division by a number that is known on the host before a launch: in a kernel it is one multiplication and one shift,
// because a GPU has no instruction for integer division.
// Source: Granlund, Montgomery: Division by Invariant Integers using Multiplication (1994), theorem 4.2 with 31 bits.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// A divisor of numbers from 0 to 2^31 - 1. The divisor is at least 1.
struct fast_divisor {
  std::int32_t value = 1;
  std::uint32_t multiplier = std::uint32_t{1} << 31;
  std::int32_t shift = 31;

  constexpr fast_divisor() = default;
  /// The multiplier is ceil(2^(31 + l) / d) with l = ceil(log2 d), so n * multiplier / 2^(31 + l), rounded down, is
  /// n / d for every n below 2^31.
  constexpr explicit fast_divisor(std::int32_t divisor) : value(divisor) {
    int l = 0;
    while ((std::int64_t{1} << l) < divisor) ++l;
    const auto d = static_cast<std::uint64_t>(divisor);
    shift = 31 + l;
    multiplier = static_cast<std::uint32_t>(((std::uint64_t{1} << shift) + d - 1) / d);
  }

  /// n / value, rounded down, for n >= 0.
  TILERY_SIMT constexpr std::int32_t quotient(std::int32_t n) const {
    return static_cast<std::int32_t>((static_cast<std::uint64_t>(static_cast<std::uint32_t>(n)) * multiplier) >> shift);
  }
  /// Returns n modulo value and divides n by value, for n >= 0.
  TILERY_SIMT constexpr std::int32_t split(std::int32_t& n) const {
    const std::int32_t all = n;
    n = quotient(all);
    return all - n * value;
  }
};

/// A divisor of 64-bit numbers that are not negative. If the host knows that all of them are below 2^31, the division
/// is a multiplication.
struct wide_divisor {
  std::int64_t value = 1;
  fast_divisor fast;
  bool is_fast = true;

  constexpr wide_divisor() = default;
  /// `largest` is at least as large as every number that will be divided.
  constexpr wide_divisor(std::int64_t divisor, std::int64_t largest) : value(divisor) {
    constexpr std::int64_t limit = (std::int64_t{1} << 31) - 1;
    is_fast = divisor <= limit && largest <= limit;
    if (is_fast) fast = fast_divisor(static_cast<std::int32_t>(divisor));
  }

  /// n / value, rounded down, for n >= 0.
  TILERY_SIMT constexpr std::int64_t quotient(std::int64_t n) const {
    return is_fast ? fast.quotient(static_cast<std::int32_t>(n)) : n / value;
  }
};

}  // namespace tilery::inline TILERY_ABI
