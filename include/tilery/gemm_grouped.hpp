// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Groups of GEMMs of different shapes in one launch, for example the experts of a mixture of experts; and batches whose
// matrices are given by pointers.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/gemm.hpp>
#include <tilery/ops/run_gemm_group.hpp>
#include <tilery/ops/wrong_call.hpp>

#include <span>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// Computes the GEMM of each member of a list. Each member has its own shape, strides, epilogue and factors; the
/// element types and the type of the epilogue are the same for all. One kernel, with one policy, computes all members.
/// The selector picks this policy for all members together: for their common layout, their smallest alignment and their
/// largest extents.
///
/// Launches. On a GPU, a launch carries up to 64 members, fewer if their epilogues are large; a longer list takes
/// several launches. The list is read before this function returns, and may be anywhere in host memory.
///
/// Accuracy. As for `gemm`.
///
/// Determinism. On a GPU, blocks do not share tiles along k, whatever the policy says: the order of the additions is
/// that of one block for each tile. On the CPU as for `gemm`.
///
/// Aliasing. Several members may have the same view as the result of the epilogue steps `amax` or `bias_gradient`: the
/// view then gets the maximum or the sum over all these members.
///
/// Errors. Throws `error` before anything is launched if `gemm` would refuse a member, with the member's index, or if
/// an output of one member shares an element with an operand of another member, apart from the equal views under
/// Aliasing.
template <class Executor, class A, class B, class C, class Epilogue>
void gemm_grouped(const Executor& executor, std::span<const gemm_member<A, B, C, Epilogue>> members, where at = {}) {
  ops::run_chosen_group(executor, {}, members, at);
}

/// Computes the GEMM of each member as the function above, but with your policy P. The rules for P are those of `gemm`
/// with a policy.
template <auto P, class Executor, class A, class B, class C, class Epilogue>
void gemm_grouped(const Executor& executor, std::span<const gemm_member<A, B, C, Epilogue>> members, where at = {}) {
  ops::with_gemm_group(executor, {}, members, at, [&](auto& call) {
    if (const char* why = misfit(P, call.joint)) throw error({"gemm_grouped: ", why}, at);
    ops::run_gemm_group<P>(executor, call, at);
  });
}

namespace ops {

/// Stops the compilation of a call of gemm_grouped that passes its members as another type than std::span<const
/// gemm_member<...>>.
template <class First, class... Others>
constexpr void refuse_group_call() {
  if constexpr (in_the_place_of_an_executor<First>)
    refuse_call<false, First, Others...>();
  else
    static_assert(sizeof(First) == 0,
                  "gemm_grouped takes its members as a std::span<const tilery::gemm_member<A, B, C, Epilogue>>: for a "
                  "std::vector v of members, pass std::span(std::as_const(v))");
}

}  // namespace ops

/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void gemm_grouped(const Arguments&...) { ops::refuse_group_call<Arguments...>(); }
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void gemm_grouped(const Arguments&...) { ops::refuse_group_call<Arguments...>(); }

/// Returns the sentence of `explain_gemm` for the policy that `gemm_grouped` would run, with the number of launches.
template <class Executor, class A, class B, class C, class Epilogue>
sentence explain_gemm_grouped(const Executor& executor, std::span<const gemm_member<A, B, C, Epilogue>> members) {
  const gemm_problem joint = ops::describe_gemm_group(members, executor.target());
  const sentence shape(joint.m, " x ", joint.n, " x ", joint.k);
  const sentence what("gemm_grouped of ", members.size(), " members, each within ", shape);
  return ops::explain_choice<std::remove_const_t<A>, std::remove_const_t<B>, C,
                             Executor>(what, joint, [&](const auto& policy, std::int64_t& blocks) {
    const auto [all, launches] = ops::launches_of(policy, joint, members);
    blocks = all;
    return sentence(all, " blocks, one for each tile, in ", launches, launches == 1 ? " launch" : " launches");
  });
}

/// The matrices of a batch, of one shape, each anywhere in memory: a list in host memory of pointers to their first
/// elements.
template <class T>
struct matrix_pointers {
  std::span<T* const> pointers;
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_stride = columns, column_stride = 1;

  /// Returns matrix i. Throws if an extent is negative or above `largest_extent`.
  matrix_view<T> at(std::size_t i, where line = {}) const {
    matrix_view<T> one = matrix(pointers[i], rows, columns, row_stride, line);
    one.strides[1] = column_stride;
    return one;
  }
};

namespace ops {

/// Makes a group of a batch whose matrices are given by pointers: one member for each i. Throws if A, B and C have
/// different numbers of matrices.
template <class A, class B, class C, class Epilogue>
auto members_of(const matrix_pointers<A>& a, const matrix_pointers<B>& b, const matrix_pointers<C>& c,
                const Epilogue& e, gemm_factors factors, where at) {
  const std::size_t count = c.pointers.size();
  if (a.pointers.size() != count || b.pointers.size() != count)
    throw error({sentence("gemm_batched: A has ", a.pointers.size(), " matrices, B ", b.pointers.size()), " and C ",
                 count, "; the numbers must be equal"},
                at);
  std::vector<gemm_member<std::remove_const_t<A>, std::remove_const_t<B>, C, Epilogue>> members;
  for (std::size_t i = 0; i < count; ++i) members.push_back({a.at(i, at), b.at(i, at), c.at(i, at), e, factors});
  return members;
}

/// For a batch without matrices: writes the bias gradients of the epilogue, which are then sums over no rows. Their
/// views are checked as in any other batch.
template <class A, class B, class Executor, class C, class Epilogue>
void finish_batch_of_nothing(const Executor& executor, const matrix_pointers<C>& c, Epilogue e, gemm_factors factors,
                             where at) {
  if constexpr (Epilogue::sums_columns) {
    const matrix_view<C> none = matrix<C>(nullptr, 0, c.columns, at);
    e.for_totals([&](const auto& total) { refuse(in_op("gemm_batched", total.check(0, none.extents[1])), at); });
    operands all;
    e.describe(all);
    refuse(check_call("gemm_batched", all, executor.reachable()), at);
    const matrix_view<A> no_a = matrix<A>(nullptr, 0, 0, at);
    const matrix_view<B> no_b = matrix<B>(nullptr, 0, c.columns, at);
    finish_empty_gemm(executor, gemm_params_of(no_a, no_b, none, e, factors), at);
  }
}

}  // namespace ops

/// C[i] = epilogue(alpha A[i] B[i] + beta C[i]) for matrices that are given by pointers. All A[i] have one shape, and
/// so have all B[i] and all C[i]. The call is a group (gemm_grouped) of equal members.
///
/// Epilogue. All members have the same epilogue, which sees each C[i] as a matrix of its own that begins at row 0. So
/// the members share the operands of the epilogue, and stochastic rounding draws the same numbers for each member.
template <class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void gemm_batched(const Executor& executor, const matrix_pointers<A>& a, const matrix_pointers<B>& b,
                  const matrix_pointers<C>& c, const Epilogue& e = {}, gemm_factors factors = {}, where at = {}) {
  if constexpr (ops::wrong_epilogue<Epilogue, A, C, Executor>) {
    ops::refuse_epilogue<Epilogue, A, C, Executor>();
  } else {
    const auto members = ops::members_of(a, b, c, e, factors, at);
    if (!members.empty()) return ops::run_chosen_group(executor, {"gemm_batched", "matrix"}, std::span(members), at);
    ops::finish_batch_of_nothing<A, B>(executor, c, e, factors, at);
  }
}

/// Returns the sentence of `explain_gemm_grouped`, for the group that `gemm_batched` makes of matrices given by
/// pointers.
template <class Executor, class A, class B, class C>
sentence explain_gemm_batched(const Executor& executor, const matrix_pointers<A>& a, const matrix_pointers<B>& b,
                              const matrix_pointers<C>& c, where at = {}) {
  const auto members = ops::members_of(a, b, c, epilogue::none(), {}, at);
  return explain_gemm_grouped(executor, std::span(members));
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
