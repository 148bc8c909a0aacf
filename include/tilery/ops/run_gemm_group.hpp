// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks a group of GEMMs, its members, and runs it with one policy for all members. On a GPU the members run in their
// order, in as few launches as have room for all of them.
#pragma once
#pragma GCC system_header

#include <tilery/ops/column_totals_of_group.hpp>
#include <tilery/ops/gemm_epilogue.hpp>
#include <tilery/ops/gemm_group_problem.hpp>
#include <tilery/ops/run_gemm.hpp>

#include <span>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// A group that has been checked. The members whose C has no elements are kept apart, in `empty`: they are not
/// launched, and only their bias gradients are written (the sums over no rows are 0).
template <class One>
struct gemm_group_call {
  gemm_problem joint;  // the problem that stands for all `members` (describe_gemm_group)
  std::vector<One> members, empty;
  std::vector<operands> known;  // known[i]: the operands of members[i]
};

/// Launches the GPU kernel of policy P for all members. A new launch begins when the current one has no room for the
/// next member (is_full).
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

/// Runs a group with policy P. On the CPU small members run first, several in parallel, then large members one after
/// another (gemm_cpu_all).
template <auto P, class Executor, class One>
void run_gemm_group(const Executor& executor, gemm_group_call<One>& call, where at) {
  using policy = std::remove_cvref_t<decltype(P)>;
  if constexpr (is_of_cpu<policy>) {
    static_assert(Executor::uses_cpu_kernels, "a policy of the CPU runs on the cpu executor only");
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

/// Checks a group and throws if it is refused. Calls run(call) with the checked group, or, if no member's C has
/// elements, only writes the bias gradients.
template <class Executor, class A, class B, class C, class Epilogue, class Run>
void with_gemm_group(const Executor& executor, group_name name, std::span<const gemm_member<A, B, C, Epilogue>> members,
                     where at, Run&& run) {
  gemm_group_call<gemm_member_params<A, B, C, Epilogue>> call;
  refuse(check_gemm_group(name, members, executor.reachable(), call.known), at);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& one = members[i];
    const bool is_empty = one.c.size() == 0;
    (is_empty ? call.empty : call.members).push_back(gemm_params_of(one.a, one.b, one.c, one.epilogue, one.factors));
    // `known` keeps the operands of `members` only: they replace the entries of empty members before them.
    if (!is_empty) call.known[call.members.size() - 1] = call.known[i];
  }
  if (call.members.empty())
    return with_column_totals_of_group(executor, call.members, call.empty, call.known, at, [] {});
  call.joint = describe_gemm_group(members, executor.target());
  call.joint.op = name.op;
  run(call);
}
/// Ends the compilation for an epilogue that breaks a rule, with the rule's sentence.
template <class Executor, class A, class B, class C, class Epilogue, class Run>
requires wrong_epilogue<Epilogue, A, C, Executor>
void with_gemm_group(const Executor&, group_name, std::span<const gemm_member<A, B, C, Epilogue>>, where, Run&&) {
  refuse_epilogue<Epilogue, A, C, Executor>();
}

/// Checks a group and runs it with the policy that the selector picks.
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

}  // namespace tilery::inline TILERY_ABI
