// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Factors and other settings that a caller gives as doubles: whether they are numbers of the type that an op computes
// in, and the sentence where they are not.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/core/error.hpp>

namespace tilery::inline TILERY_ABI {

/// Whether x is a finite number of S, float or double. NaN is not.
template <class S>
constexpr bool is_finite(double x) {
  constexpr double most = sizeof(S) == 8 ? 0x1.fffffffffffffp1023 : 0x1.fffffep127;
  return x >= -most && x <= most;
}

/// Nothing where x is a finite number of S; else the sentence.
template <class S>
finding check_finite(const char* name, double x) {
  if (is_finite<S>(x)) return {};
  return {name, " is ", x, "; it must be a finite ", element<S>::name};
}
/// The same with the name of the op, or of the part of it, in front.
template <class S>
finding check_finite(const char* op, const char* name, double x) {
  if (is_finite<S>(x)) return {};
  return {op, ": ", check_finite<S>(name, x)};
}

}  // namespace tilery::inline TILERY_ABI
