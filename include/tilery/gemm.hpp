// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM: C = epilogue(alpha A B + beta C).
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/wrong_call.hpp>
#include <tilery/ops/explain_gemm.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Checks a GEMM and hands it to `run(problem, params, operands)`, if there is anything to do.
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

}  // namespace ops

/// C (m x n) = epilogue(alpha A (m x k) B (k x n) + beta C), with the policy that the selector picks.
///
/// Elements: double, float, tf32, half, bf16, int8, fp8_e4m3 and fp8_e5m2; A and B alike, but that the two fp8 may
/// meet. C is in the accumulation type, double for double, s32 for int8, float for the others, or like A and B; but for
/// double it may also be float, half, bf16 or fp8, to which sums are rounded. fp8 and int8 take what is too large for
/// them as their largest number. Scales are in `gemm_factors`. GPUs from sm_80 on multiply all but float on tensor
/// cores (fp8: sm_89; double: where they are faster at it, sm_80 and sm_90); float goes there by a policy with `math`,
/// as tf32 or as three products of it. Where C has few rows or columns the long operand is read once: up to 16 on
/// tensor cores, but of double, where it is aligned (of two element types, rows alone), and by a kernel of its own up
/// to 16 of float and 8 of double, half and bf16, where k is not short (half and bf16 are multiplied as floats there);
/// on the CPU by one that reads it where it lies. Any strides and alignment: operands with 16-byte aligned rows or
/// columns are faster. C must not share an element with another operand, the epilogue's included: it may hold
/// unfinished sums meanwhile. An m or n of 0 does nothing, but that a bias gradient of no rows is 0;
/// a k of 0 is an empty sum.
///
/// Epilogues (tile/epilogue_*.hpp) are joined with `|` and work on alpha A B + beta C in the accumulation type:
/// forward, `bias(b) | store(z) | gelu()`; backward, `times_gradient<activation::gelu>(z) | bias_gradient(db)`. A beta
/// of 1 adds to what C holds, as gradients of weights are accumulated; it does so ahead of the epilogue. `column_sum`
/// of C is the gradient of a bias in a pass of its own (epilogue_bias_gradient.hpp says when that is faster).
///
/// Each element of C differs from the exact sum by at most (k + 2) u sum |a b| |alpha| (on the CPU by (min(k, 512) +
/// k / 256 + 2) u, because sums of up to 512 products are added up in turn) before beta C, epilogue and the conversion
/// to C, with u = 2^-24 (2^-53 for double; 2^-22 on tensor cores, which cut where others round; tf32 adds 2^-9 and
/// tf32x3 2^-20 of the sum, the part of the operands that they leave out). fp8 on sm_89 adds 2^-5 of the sum, however
/// long k is: its tensor cores keep 13 bits, so the sums of each block.k along k, 128 at most by default, are added up
/// as floats. Sums of int8 are exact on a GPU and wrap at 32 bits; on the CPU those into float or int8 are float. NaN
/// and infinity propagate, but not from A and B where alpha is 0, nor from C where beta is 0; tf32x3 makes NaN of
/// infinity (it is multiplied by a small part that is 0), and a NaN of tf32 with none but its lower 13 bits is
/// infinity. Where C has few tiles for the GPU and k is long, several blocks share a tile along k, in workspace of the
/// executor; the one that comes last adds up their sums in the order of k. So the order of all additions, and with it
/// every bit, depends on the policy, the shape and the arch, not on the run. Throws `error` before anything is
/// launched: shapes, factors that are no finite numbers, null views, memory of another machine, aliases.
///
/// Where tiles are shared, or the epilogue has a bias gradient, and a CUDA graph is captured, the workspace becomes
/// nodes of the graph that allocate and free it: CUDA then allows one instantiation of the graph at a time. An executor
/// with a scratch that is large enough, or, without a bias gradient, a policy whose k_parts is 1, leaves no such nodes.
/// Outside of a graph the `cuda` executor takes the workspace from a pool of the library's own, which keeps it for the
/// next launch.
template <runs_kernels Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C, class Epilogue = epilogue::none>
void gemm(const Executor& executor, const A& a, const B& b, const C& c, const Epilogue& e = {},
          gemm_factors factors = {}, where at = {}) {
  ops::with_gemm(executor, view(a, at, {"gemm: ", "A"}), view(b, at, {"gemm: ", "B"}), view(c, at, {"gemm: ", "C"}), e,
                 factors, at, [&](const gemm_problem& problem, const auto& p, const operands& all) {
                   ops::run_chosen_gemm(executor, problem, p, all, at);
                 });
}

/// The same with your policy: instantiates this one kernel and never falls back. Throws where the policy cannot serve
/// the problem, with the reason; a policy that breaks a rule does not compile.
template <auto P, runs_kernels Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C,
          class Epilogue = epilogue::none>
void gemm(const Executor& executor, const A& a, const B& b, const C& c, const Epilogue& e = {},
          gemm_factors factors = {}, where at = {}) {
  ops::with_gemm(executor, view(a, at, {"gemm: ", "A"}), view(b, at, {"gemm: ", "B"}), view(c, at, {"gemm: ", "C"}), e,
                 factors, at, [&](const gemm_problem& problem, const auto& p, const operands& all) {
                   if (const char* why = misfit(P, problem)) throw error({"gemm: ", why}, at);
                   ops::run_gemm<P>(executor, problem, p, all, at);
                 });
}

/// Which policy `gemm` would run for this problem and why; on a GPU, too, how many blocks it has, how they share k,
/// what a block takes of a multiprocessor, and what bounds the problem. In one sentence.
template <runs_kernels Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C>
sentence explain_gemm(const Executor& executor, const A& a, const B& b, const C& c, where at = {}) {
  using T = std::remove_const_t<element_type_of<A>>;
  using U = std::remove_const_t<element_type_of<B>>;
  const gemm_problem problem = ops::describe_gemm(view(a, at), view(b, at), view(c, at), executor.target());
  return ops::explain_choice<T, U, element_type_of<C>, Executor>(ops::name_of(problem), problem,
                                                                 ops::launched_at_once<T>(problem));
}

/// The same of your policy: whether it serves the problem, and what it costs.
template <auto P, runs_kernels Executor, tensor_like<2> A, tensor_like<2> B, tensor_like<2> C>
sentence explain_gemm(const Executor& executor, const A& a, const B& b, const C& c, where at = {}) {
  using T = std::remove_const_t<element_type_of<A>>;
  using U = std::remove_const_t<element_type_of<B>>;
  const gemm_problem problem = ops::describe_gemm(view(a, at), view(b, at), view(c, at), executor.target());
  if (const char* why = misfit(P, problem)) return {ops::name_of(problem), " is not for ", describe(P), ": ", why};
  return ops::explain_policy<T, U, element_type_of<C>, Executor>(ops::name_of(problem), P, "asked for", problem,
                                                                 ops::launched_at_once<T>(problem));
}

/// A call that no overload above takes: a sentence (core/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void gemm(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void gemm(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
