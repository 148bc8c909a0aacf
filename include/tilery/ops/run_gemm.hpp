// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs a GEMM, or a batch of one shape, whose operands have been checked, with the kernel of a given policy or of the
// policy that a table chooses.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/cpu.hpp>
#include <tilery/kernels/gemm/mma_sync.hpp>
#include <tilery/kernels/gemm/simt.hpp>
#include <tilery/kernels/gemm/skinny.hpp>
#include <tilery/ops/gemm_archs.hpp>
#include <tilery/ops/gemm_params.hpp>
#include <tilery/ops/gemm_workspace.hpp>
#include <tilery/policies/gemm_cpu_skinny_table.hpp>
#include <tilery/policies/gemm_cpu_table.hpp>
#include <tilery/policies/gemm_mma_sync_selector.hpp>
#include <tilery/policies/gemm_simt_selector.hpp>
#include <tilery/policies/gemm_skinny_table.hpp>
#include <tilery/simt/launch.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns, as a std::type_identity, the GPU kernel of policy P.
template <auto P, class Params>
auto gemm_kernel_of() {
  using policy = std::remove_cvref_t<decltype(P)>;
  if constexpr (std::is_same_v<policy, gemm_mma_sync_policy>)
    return std::type_identity<gemm_mma_sync<P, Params>>{};
  else if constexpr (std::is_same_v<policy, gemm_skinny_policy>)
    return std::type_identity<gemm_skinny<P, Params>>{};
  else
    return std::type_identity<gemm_simt<P, Params>>{};
}

/// Takes the workspace, launches the GPU kernel of policy P on `work.blocks` blocks, and then, if the epilogue sums
/// columns, the kernel that writes the totals. `op` is the op's name in error messages.
template <auto P, class Executor, class Params>
void launch_gemm(const Executor& executor, const char* op, const gemm_work& work, Params p, operands all, where at) {
  static_assert(!Executor::uses_cpu_kernels, "the cpu executor needs a gemm_cpu_policy: this one is a GPU's");
  if (work.blocks > largest_extent)
    throw error({op, ": C has ", work.blocks, " tiles; a launch has at most ", largest_extent, " blocks"}, at);
  using kernel = typename decltype(gemm_kernel_of<P, Params>())::type;
  allocation memory;
  column_totals_in<Params> totals;
  if (work.shared() || Params::epilogue_type::sums_columns) {
    // launch() would refuse the arch, but only after take_workspace() has enqueued a memset. So the arch is refused
    // here: an op throws before it enqueues anything. The operands have been checked already.
    refuse(check_arch(needs_of<kernel>(), executor.target()), at);
    memory = take_workspace(executor, work, P.block.m * P.block.n, p, totals, all, at);
  }
  launch<kernel>(executor, {static_cast<int>(work.blocks)}, p, all, at);
  totals.finish(executor, at);
}

/// True for the policies of the cpu executor.
template <class Policy>
inline constexpr bool is_of_cpu =
    std::is_same_v<Policy, gemm_cpu_policy> || std::is_same_v<Policy, gemm_cpu_skinny_policy>;

/// Multiplies with the kernel of policy P, without asking a table.
template <auto P, class Executor, class Params>
void run_gemm(const Executor& executor, const gemm_problem& problem, const Params& p,
              [[maybe_unused]] const operands& all, where at) {
  using policy = std::remove_cvref_t<decltype(P)>;
  if constexpr (is_of_cpu<policy>) {
    static_assert(Executor::uses_cpu_kernels, "a policy of the CPU runs on the cpu executor only");
    with_column_totals(executor, p, at, [&](const Params& q) { gemm_cpu_batch<P>(executor, q); });
  } else {
    if constexpr (std::is_same_v<policy, gemm_mma_sync_policy>)
      refuse(check_instructions<typename Params::a_type, typename Params::b_type>(problem.op, problem.target), at);
    gemm_problem computed = problem;
    computed.k = p.a.k;  // 0 if alpha is 0
    launch_gemm<P>(executor, problem.op, shared_out<typename Params::a_type>(P, computed),
                   transposed_if_needed<P>(p, problem), all, at);
  }
}

/// Calls f.operator()<Table>() with the table of candidate policies that serves this problem on this executor, for
/// elements T of A and U of B.
template <class T, class U, class Executor, class F>
auto with_gemm_table(const gemm_problem& problem, where at, F&& f) {
  if constexpr (Executor::uses_cpu_kernels) {
    if constexpr (std::is_same_v<T, U>)
      if (gemm_cpu_skinny_table<T>::serves(problem)) return f.template operator()<gemm_cpu_skinny_table<T>>();
    return f.template operator()<gemm_cpu_table<T>>();
  } else {
    // simt: true if this translation unit compiles gemm_simt for T. tensor_cores: true if it compiles gemm_mma_sync for
    // T. 16-bit elements use gemm_simt on archs below sm_80 only, so a unit without such an arch does not compile it.
    constexpr bool simt = is_float_type<T> && (sizeof(T) >= 4 || archs_of_unit().sm_75);
    constexpr bool tensor_cores = has_mma_sync<T> && (!simt || archs_of_unit().sm_80);
    if constexpr (is_float_type<T> && std::is_same_v<T, U>)
      if (!(tensor_cores && serves_few_mma_sync<T>(problem)) && gemm_skinny_table<T>::serves(problem))
        return f.template operator()<gemm_skinny_table<T>>();
    if constexpr (tensor_cores) {
      using shape = atoms::mma_shape<T, U>;
      if (!simt || serves_mma_sync<T, shape>(problem)) {
        refuse(check_instructions<T, U>(problem.op, problem.target), at);
        return f.template operator()<gemm_mma_sync_table<T>>();
      }
    }
    if constexpr (simt) return f.template operator()<gemm_simt_table<T>>();
  }
}

/// Multiplies with the policy that the table's choose() returns.
template <class Executor, class Params>
void run_chosen_gemm(const Executor& executor, const gemm_problem& problem, const Params& p, const operands& all,
                     where at) {
  with_gemm_table<typename Params::a_type, typename Params::b_type, Executor>(problem, at, [&]<class Table>() {
    with_candidate<Table>(
        Table::choose(problem).index, [&]<auto P>() { run_gemm<P>(executor, problem, p, all, at); });
  });
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
