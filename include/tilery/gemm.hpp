// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM: C = epilogue(alpha A B + beta C).
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/ops/explain_gemm.hpp>
#include <tilery/ops/gemm_epilogue.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Checks the operands of a GEMM, then calls `run(problem, params, operands)` if C has elements. If C has none, only
/// writes the bias gradient that the epilogue may have.
template <class Executor, class A, class B, class C, class Epilogue, class Run>
void with_gemm(const Executor& executor, const matrix_view<A>& a, const matrix_view<B>& b, const matrix_view<C>& c,
               const Epilogue& e, gemm_factors factors, where at, Run&& run) {
  operands all;
  refuse(in_op("gemm", check_factors<std::remove_const_t<A>, C>(factors)), at);
  refuse(in_op("gemm", check_gemm_shapes(a, b, c, e)), at);
  refuse(in_op("gemm", check_gemm_operands(a, b, c, e, executor.reachable(), all)), at);
  const auto p = gemm_params_of(a, b, c, e, factors);
  if (c.size() == 0) return finish_empty_gemm(executor, p, at);
  run(describe_gemm(a, b, c, executor.target()), p, all);
}
/// The overload for an epilogue that breaks a rule: stops the compilation with the rule's sentence.
template <class Executor, class A, class B, class C, class Epilogue, class Run>
requires wrong_epilogue<Epilogue, A, C, Executor>
void with_gemm(const Executor&, const matrix_view<A>&, const matrix_view<B>&, const matrix_view<C>&, const Epilogue&,
               gemm_factors, where, Run&&) {
  refuse_epilogue<Epilogue, A, C, Executor>();
}

}  // namespace ops

/// C (m x n) = epilogue(alpha A (m x k) B (k x n) + beta C), with the policy that the selector picks.
///
/// Types. A and B have double, float, tf32, half, bf16, int8, fp8_e4m3 or fp8_e5m2 elements. Both have the same type,
/// but the two fp8 types may be mixed. C has the accumulation type (double for double, s32 for int8, float for all
/// others) or the type of A and B. If A and B are not double, C may also be float, half, bf16 or fp8. A result beyond
/// the range of fp8 or int8 is clamped to that range. `gemm_factors` holds the scales of fp8 and int8.
///
/// Tensor cores. GPUs from sm_80 on multiply all types but float on tensor cores: fp8 from sm_89 on, double where
/// tensor cores are faster (sm_80 and sm_90) if all operands are aligned to 16 bytes. The next paragraph has the
/// exceptions for few rows or columns. float uses tensor cores only with a policy whose `math` is tf32 (one product) or
/// tf32x3 (three products).
///
/// Few rows or columns. Three kernels for a C with few rows or columns read the long operand (B for few rows, A for few
/// columns) only once. The kernel gemm_mma_sync, with a tile of 16 rows, uses tensor cores for all their types but
/// double: it serves up to 16 rows or columns (only rows if A and B have two types), if the long operand has contiguous
/// rows or columns that are aligned to 16 bytes. In other cases the kernel gemm_skinny, which uses no tensor cores,
/// serves up to 16 rows or columns of float and 8 of double, half and bf16, if k is long enough (serves() in
/// policies/gemm_skinny_table.hpp); it multiplies half and bf16 as float. On the CPU, the kernel gemm_cpu_skinny reads
/// the long operand in place, where that is faster (policies/gemm_cpu_skinny_table.hpp).
///
/// Shapes. If m or n is 0, C has no elements, and nothing is written except a bias gradient: if m is 0, its sum
/// over no rows is 0, to which beta times its old value is added. If k is 0, A B is 0.
///
/// Strides and alignment. Any alignment, and any strides that are not negative (core/operand_checks.hpp's check_strides
/// refuses negative ones). Operands whose rows or columns are contiguous and aligned to 16 bytes are faster.
///
/// Epilogues. Steps (tile/epilogue_*.hpp) are joined with `|` and work on alpha A B + beta C in the accumulation type
/// (for int8 in float, unless C is s32: then the factors of `scale` and `residual` must be whole numbers, like alpha
/// and beta). Forward: `bias(b) | store(z) | gelu()`. Backward: `times_gradient<activation::gelu>(z) |
/// bias_gradient(db)`. With a beta of 1 the product is added to C, as gradients of weights are accumulated; this
/// addition comes before the epilogue. `column_sum` of C computes the gradient of a bias in a separate pass;
/// epilogue_bias_gradient.hpp says when that is faster.
///
/// Accuracy. Let E = |alpha| sum |a b| over k. Before beta C, the epilogue and the conversion to C, an element differs
/// from the exact sum by at most (k + 2) u E. On the CPU the bound is (min(k, 512) + k / 256 + 2) u E, because sums of
/// at most 512 products are added up in turn. u is 2^-53 for double, also on tensor cores. For all other types it
/// is 2^-22 on tensor cores, which truncate instead of rounding, and 2^-24 elsewhere. tf32 adds 2^-9 E and tf32x3 2^-20
/// E, for the bits of the operands that are dropped. fp8 on sm_89 adds 2^-5 E, for any k: its tensor cores keep 13 bits
/// of a sum, so they add up only block.k products (at most 128 by default), and the kernel adds up these sums as float.
/// int8 sums are exact on a GPU, and on the CPU if C is s32; they wrap at 32 bits. For any other C, the CPU adds up
/// int8 products as float.
///
/// NaN and infinity. NaN and infinity propagate to C, except from A and B if alpha is 0, and from C if beta is 0.
/// tf32x3 turns an infinity of A or B into NaN, because it splits each operand x into a tf32 and the rest of x, and
/// infinity minus infinity is NaN. tf32 drops the lower 13
/// bits of the fraction: a NaN with no other bits set in its fraction counts as infinity.
///
/// Aliasing. C must not share an element with another operand, those of the epilogue included: during the launch, C may
/// hold sums that are not finished.
///
/// Determinism. If C has few tiles for the GPU and k is long, several blocks share a tile along k, and store their sums
/// in a workspace of the executor. The block that finishes last adds up the sums of all blocks in the order of k. So
/// the order of all additions, and every bit of C, depends on the policy, the shape and the arch, not on the run.
///
/// Errors. Throws `error` before anything is launched: wrong shapes, factors that are not finite, null views, negative
/// strides, memory that the executor cannot reach, aliases.
///
/// Graphs. If blocks share tiles or the epilogue has a bias gradient, a captured CUDA graph has nodes that allocate and
/// free the workspace. CUDA then allows one instantiation of the graph at a time. There are no such nodes if the
/// executor has a scratch that is large enough, or, without a bias gradient, if the policy's k_parts is 1. Outside of a
/// graph the `cuda` executor takes the workspace from the library's own pool, which keeps the memory for the next
/// launch.
template <executor Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C, class Epilogue = epilogue::none>
void gemm(const Executor& executor, const A& a, const B& b, const C& c, const Epilogue& e = {},
          gemm_factors factors = {}, where at = {}) {
  ops::with_gemm(executor, view(a, at, {"gemm: ", "A"}), view(b, at, {"gemm: ", "B"}), view(c, at, {"gemm: ", "C"}), e,
                 factors, at, [&](const gemm_problem& problem, const auto& p, const operands& all) {
                   ops::run_chosen_gemm(executor, problem, p, all, at);
                 });
}

/// Computes C as the function above, but with your policy P. The compiler instantiates the GEMM kernel of P only, and P
/// is never replaced by another policy. Throws if P cannot serve the problem, with the reason. A P that breaks a rule
/// does not compile.
template <auto P, executor Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C,
          class Epilogue = epilogue::none>
void gemm(const Executor& executor, const A& a, const B& b, const C& c, const Epilogue& e = {},
          gemm_factors factors = {}, where at = {}) {
  ops::with_gemm(executor, view(a, at, {"gemm: ", "A"}), view(b, at, {"gemm: ", "B"}), view(c, at, {"gemm: ", "C"}), e,
                 factors, at, [&](const gemm_problem& problem, const auto& p, const operands& all) {
                   if (const char* why = misfit(P, problem)) throw error({"gemm: ", why}, at);
                   ops::run_gemm<P>(executor, problem, p, all, at);
                 });
}

/// Returns one sentence: the policy that `gemm` would run for this problem, why, and on which machine the numbers of
/// this policy were measured, or that they were not. On a GPU also the number of blocks, how they share k, how much of
/// an SM a block takes, and what bounds the problem.
template <executor Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C>
sentence explain_gemm(const Executor& executor, const A& a, const B& b, const C& c, where at = {}) {
  using T = std::remove_const_t<element_type_of<A>>;
  using U = std::remove_const_t<element_type_of<B>>;
  const gemm_problem problem = ops::describe_gemm(view(a, at), view(b, at), view(c, at), executor.target());
  return ops::explain_choice<T, U, element_type_of<C>, Executor>(ops::name_of(problem), problem,
                                                                 ops::launched_at_once<T>(problem));
}

/// Returns one sentence about your policy P: what it costs for this problem, or why it cannot serve the problem.
template <auto P, executor Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C>
sentence explain_gemm(const Executor& executor, const A& a, const B& b, const C& c, where at = {}) {
  using T = std::remove_const_t<element_type_of<A>>;
  using U = std::remove_const_t<element_type_of<B>>;
  const gemm_problem problem = ops::describe_gemm(view(a, at), view(b, at), view(c, at), executor.target());
  if (const char* why = misfit(P, problem)) return {ops::name_of(problem), " cannot run on ", describe(P), ": ", why};
  return ops::explain_policy<T, U, Executor>(ops::name_of(problem), P, "asked for", problem,
                                             ops::launched_at_once<T>(problem),
                                             ops::cost_of<T, U, element_type_of<C>>(problem));
}

/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void gemm(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void gemm(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
