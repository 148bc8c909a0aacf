// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Groups of GEMMs of different shapes in one launch, for example the experts of a mixture of experts; and batches whose
// matrices are given by pointers.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/gemm.hpp>
#include <tilery/kernels/gemm/group.hpp>
#include <tilery/ops/column_totals_of_group.hpp>
#include <tilery/ops/gemm_group_checks.hpp>

#include <span>
#include <utility>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns the problem that a policy must serve to serve all members: their common layout, their smallest alignment,
/// their largest extents, and their number.
template <class A, class B, class C, class Epilogue>
gemm_problem describe_gemm_group(std::span<const gemm_member<A, B, C, Epilogue>> members, arch target) {
  gemm_problem joint;
  joint.alike = false;
  joint.target = target;
  bool first = true;
  for (const auto& one : members) {
    if (one.c.size() == 0) continue;
    const gemm_problem p = describe_gemm(one.a, one.b, one.c, target);
    if (first) {
      joint = p;
      joint.alike = first = false;
      continue;
    }
    joint.a = joined(joint.a, p.a), joint.b = joined(joint.b, p.b);
    joint.c_vector = lesser(joint.c_vector, p.c_vector);
    joint.m = greater(joint.m, p.m), joint.n = greater(joint.n, p.n), joint.k = greater(joint.k, p.k);
    ++joint.batches;
  }
  return joint;
}

/// The parameters of one member of a group.
template <class A, class B, class C, class Epilogue>
using gemm_member_params =
    decltype(gemm_params_of(std::declval<matrix_view<const A>>(), std::declval<matrix_view<const B>>(),
                            std::declval<matrix_view<C>>(), std::declval<Epilogue>(), gemm_factors{}));

/// True if a launch of `members` members and `tiles` tiles has no room for a member with `more` tiles.
template <class One>
bool is_full(int members, std::int64_t tiles, std::int64_t more) {
  return members == gemm_group<One>::most || (members > 0 && tiles + more > largest_extent);
}

/// The blocks and launches of a group with a policy.
struct group_launches {
  std::int64_t blocks = 0;
  int launches = 0;
};
template <class Policy, class A, class B, class C, class Epilogue>
group_launches launches_of(const Policy& policy, const gemm_problem& joint,
                           std::span<const gemm_member<A, B, C, Epilogue>> members) {
  using params = gemm_member_params<A, B, C, Epilogue>;
  group_launches all;
  std::int64_t of_launch = 0;
  int in_launch = 0;
  for (const auto& one : members) {
    if (one.c.size() == 0) continue;
    const std::int32_t m = one.c.extents[0], n = one.c.extents[1];
    const std::int64_t tiles = is_transposed(policy, joint) ? tiles_of(policy, n, m) : tiles_of(policy, m, n);
    if (all.launches == 0 || is_full<params>(in_launch, of_launch, tiles)) ++all.launches, in_launch = 0, of_launch = 0;
    ++in_launch, of_launch += tiles, all.blocks += tiles;
  }
  return all;
}

/// A group that has been checked. The members whose C has no elements are kept apart, in `empty`: only their bias
/// gradients, sums over no rows, are written.
template <class One>
struct gemm_group_call {
  gemm_problem joint;
  std::vector<One> members, empty;
  std::vector<operands> known;  // of `members`
};

/// Launches one kernel for all members, in as few launches as can carry their parameters.
template <auto P, class Executor, class One>
void launch_gemm_group(const Executor& executor, const gemm_group_call<One>& call, where at) {
  gemm_group<One> group;
  operands of_group;
  std::int64_t tiles = 0;
  const auto launch_them = [&] {
    group.first_tile[group.size] = static_cast<std::int32_t>(tiles);
    of_group.set_checked();
    launch_gemm<P>(executor, call.joint.op, {.tiles = tiles, .blocks = tiles}, group, of_group, at);
    group.size = 0, tiles = 0, of_group = {};
  };
  for (std::size_t i = 0; i < call.members.size(); ++i) {
    const One one = transposed_if_needed<P>(call.members[i], call.joint);
    const std::int64_t more = tiles_of(P, one.rows(), one.columns());
    if (is_full<One>(group.size, tiles, more)) launch_them();
    group.set(group.size, one);
    group.first_tile[group.size++] = static_cast<std::int32_t>(tiles);
    tiles += more;
    of_group.append(call.known[i]);
  }
  if (group.size > 0) launch_them();
}

/// Runs a group with policy P. On the CPU large members run one after another, small members in parallel.
template <auto P, class Executor, class One>
void run_gemm_group(const Executor& executor, gemm_group_call<One>& call, where at) {
  using policy = std::remove_cvref_t<decltype(P)>;
  if constexpr (is_of_cpu<policy>) {
    static_assert(Executor::lane::alone, "a policy of the CPU runs on the cpu executor only");
    with_column_totals_of_group(executor, call.members, call.empty, call.known, at, [&] {
      gemm_cpu_all<P>(executor, static_cast<std::int64_t>(call.members.size()),
                      [&](std::int64_t i) -> const One& { return call.members[static_cast<std::size_t>(i)]; });
    });
  } else {
    using kernel = typename decltype(gemm_kernel_of<P, gemm_group<One>>())::type;
    if constexpr (std::is_same_v<policy, gemm_mma_sync_policy>)
      refuse(check_instructions<typename One::a_type, typename One::b_type>(call.joint.op, executor.target()), at);
    refuse(check_arch(needs_of<kernel>(), executor.target()), at);
    with_column_totals_of_group(executor, call.members, call.empty, call.known, at,
                                [&] { launch_gemm_group<P>(executor, call, at); });
  }
}

/// Checks a group, then calls `run(call)` if a member has elements.
template <class Executor, class A, class B, class C, class Epilogue, class Run>
void with_gemm_group(const Executor& executor, group_name name, std::span<const gemm_member<A, B, C, Epilogue>> members,
                     where at, Run&& run) {
  gemm_group_call<gemm_member_params<A, B, C, Epilogue>> call;
  refuse(check_gemm_group(name, members, executor.reachable(), call.known), at);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& one = members[i];
    const bool is_empty = one.c.size() == 0;
    (is_empty ? call.empty : call.members).push_back(gemm_params_of(one.a, one.b, one.c, one.epilogue, one.factors));
    if (!is_empty) call.known[call.members.size() - 1] = call.known[i];
  }
  if (call.members.empty())
    return with_column_totals_of_group(executor, call.members, call.empty, call.known, at, [] {});
  call.joint = describe_gemm_group(members, executor.target());
  call.joint.op = name.op;
  run(call);
}

/// Runs a group with the policy that the selector picks.
template <class Executor, class A, class B, class C, class Epilogue>
void run_chosen_group(const Executor& executor, group_name name,
                      std::span<const gemm_member<A, B, C, Epilogue>> members, where at) {
  with_gemm_group(executor, name, members, at, [&]<class One>(gemm_group_call<One>& call) {
    with_gemm_table<typename One::a_type, typename One::b_type, Executor>(call.joint, at, [&]<class Table>() {
      with_candidate<Table>(
          Table::choose(call.joint).index, [&]<auto P>() { run_gemm_group<P>(executor, call, at); });
    });
  });
}

}  // namespace ops

/// Computes all members of a list. Each member has its own shape, strides, epilogue and factors; the element types and
/// the type of the epilogue are the same for all. One kernel computes them, with the policy that the selector picks for
/// all members together: for their common layout, their smallest alignment and their largest extents.
///
/// Launches. A launch carries up to 64 members, fewer if their epilogues are large; a longer list takes several
/// launches. The list is read before this function returns, and may be anywhere in host memory.
///
/// Accuracy. As for `gemm`.
///
/// Determinism. Blocks do not share tiles along k, whatever the policy says: the order of the additions is that of one
/// block for each tile.
///
/// Aliasing. Several members may have the same view as amax or bias gradient: the view then gets the maximum or the sum
/// over all these members.
///
/// Errors. Throws `error` before anything is launched if `gemm` would refuse a member, with the member's index, or if
/// an output of one member shares an element with an operand of another member.
template <class Executor, class A, class B, class C, class Epilogue>
void gemm_grouped(const Executor& executor, std::span<const gemm_member<A, B, C, Epilogue>> members, where at = {}) {
  ops::run_chosen_group(executor, {}, members, at);
}

/// The same with your policy P, as for `gemm`.
template <auto P, class Executor, class A, class B, class C, class Epilogue>
void gemm_grouped(const Executor& executor, std::span<const gemm_member<A, B, C, Epilogue>> members, where at = {}) {
  ops::with_gemm_group(executor, {}, members, at, [&](auto& call) {
    if (const char* why = misfit(P, call.joint)) throw error({"gemm_grouped: ", why}, at);
    ops::run_gemm_group<P>(executor, call, at);
  });
}

/// Returns what `gemm_grouped` would run, in the words of `explain_gemm`, and in how many launches.
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

/// Matrices of one shape anywhere in memory: a list in host memory of pointers to their first elements.
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

/// Returns the members of a batch of pointers.
template <class A, class B, class C, class Epilogue>
auto members_of(const matrix_pointers<A>& a, const matrix_pointers<B>& b, const matrix_pointers<C>& c,
                const Epilogue& e, gemm_factors factors, where at) {
  const std::size_t count = c.pointers.size();
  if (a.pointers.size() != count || b.pointers.size() != count)
    throw error({sentence("gemm_batched: A has ", a.pointers.size(), " matrices, B ", b.pointers.size()), " and C ",
                 count, "; they must be as many"},
                at);
  std::vector<gemm_member<std::remove_const_t<A>, std::remove_const_t<B>, C, Epilogue>> members;
  for (std::size_t i = 0; i < count; ++i) members.push_back({a.at(i, at), b.at(i, at), c.at(i, at), e, factors});
  return members;
}

/// Writes the bias gradients of a batch without matrices. They are checked as those of any batch.
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

/// C[i] = epilogue(alpha A[i] B[i] + beta C[i]) for pointers to matrices, one shape for each of A, B and C. The call is
/// a group of equal members. All members have the same epilogue, which sees each C[i] as a matrix of its own that
/// begins at row 0. So the members share the epilogue's operands, and stochastic rounding draws the same numbers for
/// each member.
template <class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void gemm_batched(const Executor& executor, const matrix_pointers<A>& a, const matrix_pointers<B>& b,
                  const matrix_pointers<C>& c, const Epilogue& e = {}, gemm_factors factors = {}, where at = {}) {
  const auto members = ops::members_of(a, b, c, e, factors, at);
  if (!members.empty()) return ops::run_chosen_group(executor, {"gemm_batched", "matrix"}, std::span(members), at);
  ops::finish_batch_of_nothing<A, B>(executor, c, e, factors, at);
}

/// Returns what this overload would run, a group, in the words of `explain_gemm_grouped`.
template <class Executor, class A, class B, class C>
sentence explain_gemm_batched(const Executor& executor, const matrix_pointers<A>& a, const matrix_pointers<B>& b,
                              const matrix_pointers<C>& c, where at = {}) {
  const auto members = ops::members_of(a, b, c, epilogue::none(), {}, at);
  return explain_gemm_grouped(executor, std::span(members));
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
