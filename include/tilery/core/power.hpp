// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The power of a double with a whole exponent, for host and device: optimizers need beta^t.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// Returns base^exponent for exponent >= 0, by repeated squaring.
///
/// Accuracy. The relative error is at most about exponent * 2^-53, because each squaring doubles the relative error of
/// its argument: 1e-10 for a million.
TILERY_SIMT constexpr double whole_power(double base, std::int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 != 0) result *= base;
    base *= base;
  }
  return result;
}

}  // namespace tilery::inline TILERY_ABI
