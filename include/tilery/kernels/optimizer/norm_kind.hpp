// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The norms of a list of tensors, as sums that kernels/optimizer/norm.hpp adds up: the Euclidean norm and the largest
// magnitude. All arithmetic is in double, so that the squares of float, half and bf16 elements neither overflow nor
// underflow. Infinity and NaN propagate to the result.
#pragma once
#pragma GCC system_header

#include <tilery/core/math.hpp>
#include <tilery/core/pack.hpp>

namespace tilery::inline TILERY_ABI {

namespace norm_kind {

/// sqrt(sum x^2).
///
/// For elements of double, x^2 can overflow or underflow. Therefore three sums are kept: of x^2, of (x 2^-540)^2 and of
/// (x 2^540)^2. The result is computed from one of them. If the first sum is infinite, the second one is not, unless an
/// element is infinite or NaN; its terms that underflow are below 2^-56 of it. If the first sum is below 2^-960, no
/// term of the third one overflows. (The idea of three ranges: Blue, ACM TOMS 4, 1978.)
template <class T>
struct euclidean {
  static constexpr const char* name = "euclidean";
  static constexpr int parts = sizeof(T) == 8 ? 3 : 1;  // sums that are kept
  TILERY_SIMT static constexpr double scale(int part) { return part == 0 ? 1 : part == 1 ? 0x1p-540 : 0x1p540; }

  /// Adds the pack x to part `part` of the sums.
  template <int N>
  TILERY_SIMT static pack<double, N> add(pack<double, N> sum, pack<double, N> x, int part) {
    const auto scaled = part == 0 ? x : x * scale(part);
    return fma(scaled, scaled, sum);
  }
  using combine = plus;
  TILERY_SIMT static double result(const double (&sums)[parts]) {
    if constexpr (parts == 3) {
      if (sums[0] == __builtin_inf()) return math::sqrt{}(sums[1]) * 0x1p540;
      if (sums[0] < 0x1p-960) return math::sqrt{}(sums[2]) * 0x1p-540;
    }
    return math::sqrt{}(sums[0]);
  }
};

/// The larger of two numbers; NaN if one of them is NaN.
struct larger_or_nan {
  template <class V>
  TILERY_SIMT V operator()(V best, V x) const {
    return (x > best) | (x != x) ? x : best;
  }
};

/// |x|; NaN stays NaN.
struct magnitude {
  template <class V>
  TILERY_SIMT V operator()(V x) const {
    return x < V{} ? -x : x;
  }
};

/// max |x|, the maximum norm.
template <class T>
struct maximum {
  static constexpr const char* name = "maximum";
  static constexpr int parts = 1;

  template <int N>
  TILERY_SIMT static pack<double, N> add(pack<double, N> best, pack<double, N> x, int) {
    return apply(larger_or_nan{}, best, apply(magnitude{}, x));
  }
  using combine = larger_or_nan;
  TILERY_SIMT static double result(const double (&best)[parts]) { return best[0]; }
};

}  // namespace norm_kind

}  // namespace tilery::inline TILERY_ABI
