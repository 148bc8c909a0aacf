// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Batches of GEMMs of one shape: C[i] = epilogue(alpha A[i] B[i] + beta C[i]), in one launch.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/wrong_call.hpp>
#include <tilery/gemm.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Matrix i of a tensor of rank 3.
template <class T>
matrix_view<T> slice(const tensor_view<T, 3>& v, std::int64_t i) {
  matrix_view<T> one;
  one.pointer = v.pointer + i * v.strides[0];
  for (int d = 0; d < 2; ++d) one.extents[d] = v.extents[d + 1], one.strides[d] = v.strides[d + 1];
  return one;
}

/// Whether two matrices of the batch of C share an element.
template <class C>
finding check_batches_of_c(const tensor_view<C, 3>& c) {
  const operand first = writes("C", slice(c, 0));
  const std::int64_t bytes = first.end() - first.begin();
  for (std::int64_t i = 1; i < c.extents[0] && i * c.strides[0] * first.element_bytes < bytes; ++i)
    if (share_an_element(first, writes("C", slice(c, i))))
      return {"gemm_batched: the matrices 0 and ", i, " of C share an element: its batch stride is ", c.strides[0],
              "; each must have its own"};
  return {};
}
/// Whether a matrix of C and one of A or B do. Those that are interleaved are compared pair by pair, the first 256 of
/// each; beyond, nothing is proved.
template <class T, class C>
finding check_batch_against_c(const char* name, const tensor_view<T, 3>& v, const tensor_view<C, 3>& c) {
  const operand all = reads(name, v), outputs = writes("C", c);
  if (all.empty() || outputs.empty() || all.end() <= outputs.begin() || outputs.end() <= all.begin()) return {};
  const auto some = [](std::int32_t batches) { return lesser(batches, 256); };
  for (int i = 0; i < some(c.extents[0]); ++i)
    for (int j = 0; j < some(v.extents[0]); ++j)
      if (share_an_element(writes("C", slice(c, i)), reads(name, slice(v, j))))
        return {sentence("gemm_batched: matrix ", i, " of C shares an element with matrix ", j, " of "), name,
                "; the two must be apart"};
  return {};
}

/// An operand of the epilogue that shares an element with C, or, where it is written, with A or B.
template <class T>
finding check_batch_against(const char* name, const tensor_view<T, 3>& v, bool written, const operands& others) {
  for (const operand& o : others) {
    if (!written && !o.written) continue;
    const operand all = describe(name, v, written);
    if (o.empty() || all.empty() || all.end() <= o.begin() || o.end() <= all.begin()) continue;
    for (int i = 0; i < lesser(v.extents[0], 256); ++i)
      if (share_an_element(describe(name, slice(v, i), written), o))
        return {sentence("gemm_batched: matrix ", i, " of ", name, " shares an element with "), o.name,
                "; the two must be apart"};
  }
  return {};
}

template <class A, class B, class C, class Epilogue>
finding check_gemm_batched(const tensor_view<A, 3>& a, const tensor_view<B, 3>& b, const tensor_view<C, 3>& c,
                           const Epilogue& e, operands& all) {
  const std::int64_t batches = c.extents[0], rows = batches * c.extents[1];
  if (a.extents[0] != batches || b.extents[0] != batches)
    return {sentence("gemm_batched: A has ", a.extents[0], " matrices, B ", b.extents[0]), " and C ", batches,
            "; they must be as many, where one serves all with a batch stride of 0"};
  if (rows > largest_extent)
    return {"gemm_batched: C has ", rows, " rows in all; they must be at most ", largest_extent};
  if (a.strides[0] < 0 || b.strides[0] < 0 || c.strides[0] < 0)
    return {"gemm_batched: a batch stride is negative; it must be at least 0"};
  if (auto found = check_gemm_shapes(slice(a, 0), slice(b, 0), slice(c, 0), e, static_cast<int>(batches))) return found;
  const operands firsts{reads("A", slice(a, 0)), reads("B", slice(b, 0)), writes("C", slice(c, 0))};
  if (batches > 0)  // the strides and whether there is memory; where it is, the launch asks
    if (auto found = check_operands(firsts, memory_space::either)) return {"gemm_batched: ", found};
  if (auto found = check_batches_of_c(c)) return found;
  if (auto found = check_batch_against_c("A", a, c)) return found;
  if (auto found = check_batch_against_c("B", b, c)) return found;
  all = {reads("A", a), reads("B", b), writes("C", c)};
  operands of_epilogue;
  e.describe(of_epilogue);
  if (auto found = check_aliases(of_epilogue)) return {"gemm_batched: ", found};
  if (auto found = check_batch_against("C", c, true, of_epilogue)) return found;
  if (auto found = check_batch_against("A", a, false, of_epilogue)) return found;
  if (auto found = check_batch_against("B", b, false, of_epilogue)) return found;
  all.append(of_epilogue);
  return {};
}

/// What a selector may know of a batch: a stride between matrices keeps the alignment of one, or lessens it.
template <class A, class B, class C>
gemm_problem describe_gemm_batched(const tensor_view<A, 3>& a, const tensor_view<B, 3>& b, const tensor_view<C, 3>& c,
                                   arch target) {
  gemm_problem p = describe_gemm(slice(a, 0), slice(b, 0), slice(c, 0), target);
  p.batches = c.extents[0];
  const auto lessen = [](int& vector, std::int64_t stride) {
    while (stride % vector != 0) vector /= 2;
  };
  if (p.batches > 1)
    lessen(p.a.vector, a.strides[0]), lessen(p.b.vector, b.strides[0]), lessen(p.c_vector, c.strides[0]);
  return p;
}

/// Checks a batch and hands it to `run(problem, params, operands)`, if there is anything to do.
template <class Executor, class A, class B, class C, class Epilogue, class Run>
void with_gemm_batch(const Executor& executor, const tensor_view<A, 3>& a, const tensor_view<B, 3>& b,
                     const tensor_view<C, 3>& c, const Epilogue& e, gemm_factors factors, where at, Run&& run) {
  operands all;
  refuse(check_factors<std::remove_const_t<A>, C>(factors), at);
  refuse(check_gemm_batched(a, b, c, e, all), at);
  const auto p = gemm_params_of(slice(a, 0), slice(b, 0), slice(c, 0), e, factors,
                                {c.extents[0], a.strides[0], b.strides[0], c.strides[0]});
  if (c.size() == 0) return finish_empty_gemm(executor, p, all, at);
  run(describe_gemm_batched(a, b, c, executor.target()), p, all);
}

}  // namespace ops

/// C[i] (m x n) = epilogue(alpha A[i] (m x k) B[i] (k x n) + beta C[i]) for each i of a batch, in one launch, with the
/// policy that the selector picks for all of them. Views of rank 3: (batch, m, k), (batch, k, n), (batch, m, n), any
/// strides; a batch stride of 0 makes one A or B serve all, and matrices may be interleaved, as the heads of attention
/// in their rows. Element types, factors and error bound are those of `gemm`; whether blocks share tiles along k, and
/// so the order of the additions, depends on the number of matrices, too.
///
/// The epilogue sees the batch as one matrix of batch x m rows and n columns, matrix i from row i m on: a bias by
/// column is the same for all, a residual or a stored matrix has batch m rows.
///
/// Throws `error` before anything is launched, as `gemm` does, and where two matrices of C share an element.
template <runs_kernels Executor, tensor_like<3> A, tensor_like<3> B, tensor_like<3> C, class Epilogue = epilogue::none>
void gemm_batched(const Executor& executor, const A& a, const B& b, const C& c, const Epilogue& e = {},
                  gemm_factors factors = {}, where at = {}) {
  ops::with_gemm_batch(executor, view(a, at), view(b, at), view(c, at), e, factors, at,
                       [&](const gemm_problem& problem, const auto& p, const operands& all) {
                         ops::run_chosen_gemm(executor, problem, p, all, at);
                       });
}

/// The same with your policy, as for `gemm`.
template <auto P, runs_kernels Executor, tensor_like<3> A, tensor_like<3> B, tensor_like<3> C,
          class Epilogue = epilogue::none>
void gemm_batched(const Executor& executor, const A& a, const B& b, const C& c, const Epilogue& e = {},
                  gemm_factors factors = {}, where at = {}) {
  ops::with_gemm_batch(executor, view(a, at), view(b, at), view(c, at), e, factors, at,
                       [&](const gemm_problem& problem, const auto& p, const operands& all) {
                         if (const char* why = misfit(P, problem)) throw error({"gemm_batched: ", why}, at);
                         ops::run_gemm<P>(executor, problem, p, all, at);
                       });
}

/// What `gemm_batched` would run, as `explain_gemm` says it.
template <runs_kernels Executor, tensor_like<3> A, tensor_like<3> B, tensor_like<3> C>
sentence explain_gemm_batched(const Executor& executor, const A& a, const B& b, const C& c) {
  using T = std::remove_const_t<element_type_of<A>>;
  using U = std::remove_const_t<element_type_of<B>>;
  const gemm_problem problem = ops::describe_gemm_batched(view(a), view(b), view(c), executor.target());
  const sentence shape(problem.m, " x ", problem.n, " x ", problem.k);
  const sentence what("gemm_batched of ", problem.batches, " matrices, each ", shape);
  return ops::explain_choice<T, U, element_type_of<C>, Executor>(what, problem, ops::launched_at_once<T>(problem));
}

/// A call that no overload above takes: a sentence (core/wrong_call.hpp).
template <class... Arguments>
void gemm_batched(const Arguments&...) {
  ops::refuse_call<false, Arguments...>();
}
template <auto P, class... Arguments>
void gemm_batched(const Arguments&...) {
  ops::refuse_call<false, Arguments...>();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
