// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of scalar arguments (factors, rates) that a caller gives as doubles: each must be finite in S, the type that
// the op computes in (float or double).
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/core/error.hpp>

#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// Returns true if x is finite and within the range of S (float or double). NaN is not finite.
template <class S>
constexpr bool is_finite(double x) {
  constexpr double most = sizeof(S) == 8 ? 0x1.fffffffffffffp1023 : 0x1.fffffep127;
  return x >= -most && x <= most;
}

/// Checks that x is finite in S. Returns a sentence in which `name` is the argument's name; an empty one if x is
/// finite.
template <class S>
finding check_finite(const char* name, double x) {
  if (is_finite<S>(x)) return {};
  return {name, " is ", x, "; it must be a finite ", element<S>::name};
}
/// Checks that x is finite in S. The sentence begins with `op`, the name of an op or of a part of an op.
template <class S>
finding check_finite(const char* op, const char* name, double x) {
  if (is_finite<S>(x)) return {};
  return {op, ": ", check_finite<S>(name, x)};
}

/// Returns true if x is a whole number of 32 bits.
constexpr bool is_whole(double x) { return x >= -0x1p31 && x < 0x1p31 && x == static_cast<std::int32_t>(x); }

}  // namespace tilery::inline TILERY_ABI
