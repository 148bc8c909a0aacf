// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns the views of a GEMM into the problem that the selectors see (gemm_problem) and into the parameters of the
// kernels (gemm_params).
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/ops/element_types.hpp>
#include <tilery/ops/gemm_checks.hpp>
#include <tilery/policies/gemm_mma_sync_selector.hpp>
#include <tilery/policies/gemm_problem.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns the problem that the selectors see: the shapes of A (m x k), B (k x n) and C (m x n), their layouts and
/// alignment, and the arch.
template <class A, class B, class C>
gemm_problem describe_gemm(const matrix_view<A>& a, const matrix_view<B>& b, const matrix_view<C>& c, arch target) {
  gemm_problem p;
  p.m = c.extents[0], p.n = c.extents[1], p.k = a.extents[1];
  p.a = operand_shape(a.pointer, p.m, a.strides[0], p.k, a.strides[1]);
  p.b = operand_shape(b.pointer, p.n, b.strides[1], p.k, b.strides[0]);
  if (c.strides[1] == 1) p.c_vector = common_vector(c.pointer, p.n, p.m, c.strides[0]);
  p.target = target;
  p.one_type = std::is_same_v<std::remove_const_t<A>, std::remove_const_t<B>>;
  return p;
}

/// Returns a matrix as an operand of a kernel, with its rows as the outer dimension and its columns as k. If a
/// dimension has fewer than 2 elements, its stride has no meaning; it is set to 0, so that packs do not look
/// misaligned.
template <class T>
panel<std::remove_const_t<T>> panel_of(const matrix_view<T>& v) {
  return {gmem_ptr<const std::remove_const_t<T>>(v.pointer), v.extents[0], v.extents[1],
          v.extents[0] > 1 ? v.strides[0] : 0, v.extents[1] > 1 ? v.strides[1] : 0};
}

/// Returns the parameters of a kernel for a GEMM or a batch (a, b and c are then the matrices of the first GEMM). The
/// operands and factors must have been checked.
template <class A, class B, class C, class Epilogue>
auto gemm_params_of(const matrix_view<A>& a, const matrix_view<B>& b, const matrix_view<C>& c, const Epilogue& e,
                    gemm_factors f, const gemm_batch& batch = {}) {
  using T = std::remove_const_t<A>;
  using U = std::remove_const_t<B>;
  using S = finish_t<T, C>;
  static_assert(std::is_same_v<T, U> || (is_fp8<T> && is_fp8<U>), "gemm: A and B must have the same element type");
  static_assert(is_float_type<T> || has_mma_sync<T>,
                "gemm: A and B must be double, float, tf32, half, bf16, fp8 or int8");
  constexpr bool from_float = std::is_same_v<S, float> && (std::is_same_v<C, half> || std::is_same_v<C, bf16> ||
                                                           std::is_same_v<C, float> || is_fp8<C>);
  static_assert(std::is_same_v<C, T> || std::is_same_v<C, accumulator_t<T>> || from_float,
                "gemm: C must have the element type of A and B, or their accumulation type, or be float, half, bf16 "
                "or fp8 where A and B are not double; it must not be const");
  const double alpha = whole_alpha(f);
  gemm_params<T, U, C, S, Epilogue> p{panel_of(a),
                                      panel_of(transposed(b)),
                                      for_kernel<C>(c),
                                      static_cast<S>(alpha),
                                      static_cast<S>(f.beta),
                                      e,
                                      static_cast<float>(f.scale_c),
                                      batch};
  if (alpha == 0) p.a.k = p.b.k = 0;                           // an empty sum reads neither A nor B
  p.epilogue.shape(batch.count * c.extents[0], c.extents[1]);  // the rows of a batch's matrices C are one matrix
  return p;
}

/// Returns the parameters of the transposed problem C^T = B^T A^T if the kernel of policy P computes that one
/// (is_transposed() in policies/gemm_problem.hpp), otherwise `p`.
template <auto P, class Params>
Params transposed_if_needed(const Params& p, const gemm_problem& problem) {
  if constexpr (std::is_same_v<typename Params::a_type, typename Params::b_type>)
    if (is_transposed(P, problem)) return p.transposed();
  return p;
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
