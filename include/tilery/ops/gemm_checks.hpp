// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gemm_factors, and the checks of a GEMM's shapes, operands and factors. A check returns a finding: the sentence that
// says what is wrong, or nothing.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/core/element.hpp>
#include <tilery/core/factor.hpp>
#include <tilery/core/operand_checks.hpp>
#include <tilery/core/view.hpp>

#include <limits>

namespace tilery::inline TILERY_ABI {

/// The factors of a GEMM: C = epilogue(alpha A B + beta C), and the scales of 8-bit elements.
///
/// NaN and infinity. With alpha = 0 the GEMM does not read A and B, and with beta = 0 it does not read C: a NaN or
/// infinity in an operand that is not read does not reach the result, as in BLAS.
struct gemm_factors {
  double alpha = 1, beta = 0;
  /// An element of A stands for scale_a times its value, an element of B for scale_b times its value; 0 means that the
  /// scale is not given. fp8 needs both scales, s8 may have them unless C is s32, other types must not have them. If C
  /// has 8-bit elements, its values are multiplied by scale_c before they are rounded and stored.
  double scale_a = 0, scale_b = 0, scale_c = 1;
};

namespace ops {

/// The type in which alpha, beta and the epilogue are computed, for elements T of A and B: accumulator_t<T>, but float
/// for int8 with a C that is not s32.
template <class T, class C>
using finish_t =
    std::conditional_t<std::is_same_v<T, int8> && !std::is_same_v<C, std::int32_t>, float, accumulator_t<T>>;

/// Checks an epilogue: its operands against the m x n matrix C, its factors for elements T of A and B.
template <class T, class C, class Epilogue>
finding check_epilogue(const Epilogue& e, int m, int n) {
  if (auto found = e.check(m, n)) return found;
  return e.template check_sums<finish_t<std::remove_const_t<T>, C>>();
}

/// Checks the shapes of a GEMM, and the epilogue's operands against the shape of C. The caller puts the op's name
/// before the finding. In a batch, a, b and c are the matrices of one GEMM; for the epilogue, the rows of all `batches`
/// matrices C are one matrix.
template <class A, class B, class C, class Epilogue>
finding check_gemm_shapes(const matrix_view<A>& a, const matrix_view<B>& b, const matrix_view<C>& c, const Epilogue& e,
                          int batches = 1) {
  const auto times = [](int r, int k) { return sentence(r, " x ", k); };
  const int m = c.extents[0], n = c.extents[1], k = a.extents[1];
  if (a.extents[0] != m) return {"A is ", times(a.extents[0], k), "; it must have the m = ", m, " rows of C"};
  if (b.extents[0] != k || b.extents[1] != n)
    return {"B is ", times(b.extents[0], b.extents[1]), "; it must be k x n = ", times(k, n),
            ", the columns of A by the columns of C"};
  return check_epilogue<A, C>(e, batches * m, n);
}

/// Checks the operands of a GEMM or of a batch, and collects them in `all` for the launch. If C has no elements, A, B
/// and C are not accessed and may be null: only the operands of the epilogue are then checked and collected.
template <class A, class B, class C, int Rank, class Epilogue>
finding check_gemm_operands(const tensor_view<A, Rank>& a, const tensor_view<B, Rank>& b, const tensor_view<C, Rank>& c,
                            const Epilogue& e, memory_space reachable, operands& all) {
  all = {};
  if (c.size() > 0) all = {reads("A", a), reads("B", b), writes("C", c)};
  e.describe(all);
  if (auto found = check_operands(all, reachable)) return found;
  if (auto found = check_aliases(all)) return found;
  all.set_checked();
  return {};
}

/// Returns alpha times the scales of A and B. A scale of 0 means that it is not given, and counts as 1.
inline double whole_alpha(const gemm_factors& f) {
  return f.alpha * (f.scale_a == 0 ? 1 : f.scale_a) * (f.scale_b == 0 ? 1 : f.scale_b);
}

/// Checks the factors of a GEMM, for elements T of A and B. The caller puts the op's name before the finding.
template <class T, class C>
finding check_factors(gemm_factors f) {
  constexpr bool scaled = is_fp8<T> || std::is_same_v<T, int8>;
  const auto missing = [](const char* name, double is) -> finding {
    return {sentence(name, " is ", is, "; ", element<T>::name),
            " operands must have a positive, finite factor, by which their elements are multiplied"};
  };
  const auto is_factor = [](double x) { return x > 0 && x <= std::numeric_limits<double>::max(); };
  if (!is_factor(f.scale_a) && (is_fp8<T> || f.scale_a != 0)) return missing("scale_a", f.scale_a);
  if (!is_factor(f.scale_b) && (is_fp8<T> || f.scale_b != 0)) return missing("scale_b", f.scale_b);
  if (!scaled && (f.scale_a != 0 || f.scale_b != 0))
    return {"scale_a and scale_b are for fp8 and s8; ", element<T>::name, " has alpha"};
  if (!is_factor(f.scale_c)) return {"scale_c is ", f.scale_c, "; it must be positive and finite"};
  if (sizeof(C) != 1 && f.scale_c != 1) return {"scale_c is for a C of 8 bits; this one is ", element<C>::name};
  if (std::is_same_v<C, std::int32_t> && (f.scale_a != 0 || f.scale_b != 0))
    return {"a C of s32 holds the sums themselves; scales need a C of f32 or s8"};
  using sum = finish_t<T, C>;
  if constexpr (!std::is_integral_v<sum>) {
    if (auto found = check_finite<sum>("alpha", f.alpha)) return found;
    if (auto found = check_finite<sum>("beta", f.beta)) return found;
    if (auto found = check_finite<sum>("alpha times scale_a and scale_b", whole_alpha(f))) return found;
  }
  if (std::is_same_v<C, std::int32_t> && !(is_whole(f.alpha) && is_whole(f.beta)))
    return {"alpha and beta must be whole numbers of 32 bits where C is s32; they are ", f.alpha, " and ", f.beta};
  return {};
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
