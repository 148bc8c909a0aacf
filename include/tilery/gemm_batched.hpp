// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A batch of GEMMs of one shape in one launch: C[i] = epilogue(alpha A[i] B[i] + beta C[i]).
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/gemm.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns matrix i of a tensor of rank 3.
template <class T>
matrix_view<T> slice(const tensor_view<T, 3>& v, std::int64_t i) {
  matrix_view<T> one;
  one.pointer = v.pointer + i * v.strides[0];
  for (int d = 0; d < 2; ++d) one.extents[d] = v.extents[d + 1], one.strides[d] = v.strides[d + 1];
  return one;
}

/// Checks the shapes and operands of a batch, and sets `all` to the operands.
template <class A, class B, class C, class Epilogue>
finding check_gemm_batched(const tensor_view<A, 3>& a, const tensor_view<B, 3>& b, const tensor_view<C, 3>& c,
                           const Epilogue& e, memory_space reachable, operands& all) {
  const std::int64_t batches = c.extents[0], rows = batches * c.extents[1];
  if (a.extents[0] != batches || b.extents[0] != batches)
    return {sentence("A has ", a.extents[0], " matrices, B ", b.extents[0]), " and C ", batches,
            "; the numbers must be equal; one matrix for the whole batch must have a batch stride of 0"};
  if (rows > largest_extent) return {"C has ", rows, " rows in all; they must be at most ", largest_extent};
  if (auto found = check_gemm_shapes(slice(a, 0), slice(b, 0), slice(c, 0), e, static_cast<int>(batches))) return found;
  return check_gemm_operands(a, b, c, e, reachable, all);
}

/// Returns the problem that a selector sees for a batch. Vector accesses (packs) must be aligned in every matrix,
/// not only in matrix 0: if the batch stride is not a multiple of a pack, a narrower pack is taken.
template <class A, class B, class C>
gemm_problem describe_gemm_batched(const tensor_view<A, 3>& a, const tensor_view<B, 3>& b, const tensor_view<C, 3>& c,
                                   arch target) {
  gemm_problem p = describe_gemm(slice(a, 0), slice(b, 0), slice(c, 0), target);
  p.batches = c.extents[0];
  p.op = "gemm_batched";
  const auto lessen = [](int& vector, std::int64_t stride) {
    while (stride % vector != 0) vector /= 2;
  };
  if (p.batches > 1)
    lessen(p.a.vector, a.strides[0]), lessen(p.b.vector, b.strides[0]), lessen(p.c_vector, c.strides[0]);
  return p;
}

/// Checks the operands of a batch, then calls `run(problem, params, operands)` if C has elements. If C has none, only
/// writes the bias gradient that the epilogue may have.
template <class Executor, class A, class B, class C, class Epilogue, class Run>
void with_gemm_batch(const Executor& executor, const tensor_view<A, 3>& a, const tensor_view<B, 3>& b,
                     const tensor_view<C, 3>& c, const Epilogue& e, gemm_factors factors, where at, Run&& run) {
  operands all;
  refuse(in_op("gemm_batched", check_factors<std::remove_const_t<A>, C>(factors)), at);
  refuse(in_op("gemm_batched", check_gemm_batched(a, b, c, e, executor.reachable(), all)), at);
  const auto p = gemm_params_of(slice(a, 0), slice(b, 0), slice(c, 0), e, factors,
                                {c.extents[0], a.strides[0], b.strides[0], c.strides[0]});
  if (c.size() == 0) return finish_empty_gemm(executor, p, at);
  run(describe_gemm_batched(a, b, c, executor.target()), p, all);
}
/// The overload for an epilogue that breaks a rule: stops the compilation with the rule's sentence.
template <class Executor, class A, class B, class C, class Epilogue, class Run>
requires wrong_epilogue<Epilogue, A, C, Executor>
void with_gemm_batch(const Executor&, const tensor_view<A, 3>&, const tensor_view<B, 3>&, const tensor_view<C, 3>&,
                     const Epilogue&, gemm_factors, where, Run&&) {
  refuse_epilogue<Epilogue, A, C, Executor>();
}

}  // namespace ops

/// C[i] (m x n) = epilogue(alpha A[i] (m x k) B[i] (k x n) + beta C[i]) for each i of a batch, in one launch. The
/// selector picks one policy for all matrices.
///
/// Shapes and strides. Views of rank 3: (batch, m, k), (batch, k, n), (batch, m, n), with any strides that are not
/// negative. If A or B has a batch stride of 0, one matrix serves all GEMMs. The matrices of a batch may be interleaved
/// in memory: in attention, for example, a row of memory may hold one row of each head's matrix, one after another.
///
/// Types, factors and accuracy. As for `gemm`.
///
/// Determinism. As for `gemm`. The order of the additions also depends on the number of matrices, because this number
/// is one of the facts by which the op decides if several blocks share a tile along k.
///
/// Epilogue. The epilogue sees the C of all `batch` GEMMs as one matrix of batch * m rows and n columns; C[i] begins at
/// row i * m. `bias` adds the same vector to each C[i]; a residual or a stored matrix has batch * m rows.
///
/// Errors. Throws `error` before anything is launched, as `gemm` does, and also if two matrices of C share an element.
template <executor Executor, tensor_like<3> A, tensor_like<3> B, tensor_like<3> C, class Epilogue = epilogue::none>
void gemm_batched(const Executor& executor, const A& a, const B& b, const C& c, const Epilogue& e = {},
                  gemm_factors factors = {}, where at = {}) {
  ops::with_gemm_batch(executor, view(a, at, {"gemm_batched: ", "A"}), view(b, at, {"gemm_batched: ", "B"}),
                       view(c, at, {"gemm_batched: ", "C"}), e, factors, at,
                       [&](const gemm_problem& problem, const auto& p, const operands& all) {
                         ops::run_chosen_gemm(executor, problem, p, all, at);
                       });
}

/// Computes the batch with your policy P, under the rules that gemm.hpp states for `gemm` with a policy.
template <auto P, executor Executor, tensor_like<3> A, tensor_like<3> B, tensor_like<3> C,
          class Epilogue = epilogue::none>
void gemm_batched(const Executor& executor, const A& a, const B& b, const C& c, const Epilogue& e = {},
                  gemm_factors factors = {}, where at = {}) {
  ops::with_gemm_batch(executor, view(a, at, {"gemm_batched: ", "A"}), view(b, at, {"gemm_batched: ", "B"}),
                       view(c, at, {"gemm_batched: ", "C"}), e, factors, at,
                       [&](const gemm_problem& problem, const auto& p, const operands& all) {
                         if (const char* why = misfit(P, problem)) throw error({"gemm_batched: ", why}, at);
                         ops::run_gemm<P>(executor, problem, p, all, at);
                       });
}

/// Returns the sentence of `explain_gemm`, for the policy that `gemm_batched` would run.
template <executor Executor, tensor_like<3> A, tensor_like<3> B, tensor_like<3> C>
sentence explain_gemm_batched(const Executor& executor, const A& a, const B& b, const C& c, where at = {}) {
  using T = std::remove_const_t<element_type_of<A>>;
  using U = std::remove_const_t<element_type_of<B>>;
  const gemm_problem problem = ops::describe_gemm_batched(view(a, at), view(b, at), view(c, at), executor.target());
  const sentence shape(problem.m, " x ", problem.n, " x ", problem.k);
  const sentence what("gemm_batched of ", problem.batches, " matrices, each ", shape);
  return ops::explain_choice<T, U, element_type_of<C>, Executor>(what, problem, ops::launched_at_once<T>(problem));
}

/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void gemm_batched(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void gemm_batched(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
