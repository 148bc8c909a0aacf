// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs a convolution whose operands have been checked, with the kernel of a given policy or of the policy that a table
// chooses.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/conv/cpu.hpp>
#include <tilery/kernels/conv/cpu_weight_gradient.hpp>
#include <tilery/kernels/gemm/group.hpp>
#include <tilery/ops/conv_params.hpp>
#include <tilery/ops/run_gemm.hpp>
#include <tilery/policies/conv_cpu_table.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// True for the parameters of a weight gradient.
template <class Params>
inline constexpr bool is_weight_gradient = std::is_same_v<typename Params::a_panel, tap_panel<typename Params::a_type>>;

/// Runs one product with policy P: a forward convolution, a data gradient with a stride of 1, or a weight gradient.
template <auto P, class Executor, class Params>
void run_conv(const Executor& executor, const conv_problem& problem, const Params& p,
              [[maybe_unused]] const operands& all, where at) {
  using policy = std::remove_cvref_t<decltype(P)>;
  if constexpr (std::is_same_v<policy, conv_cpu_policy>) {
    static_assert(Executor::uses_cpu_kernels, "a conv_cpu_policy runs on the cpu executor only");
    with_column_totals(executor, p, at, [&](const Params& q) {
      if constexpr (is_weight_gradient<Params>)
        conv_cpu_weight_gradient<P>(executor, q);
      else
        conv_cpu<P>(executor, q);
    });
    return;
  } else {
    if constexpr (std::is_same_v<policy, gemm_mma_sync_policy>)
      refuse(check_instructions<typename Params::a_type, typename Params::b_type>(problem.product.op, problem.target),
             at);
    gemm_problem computed = problem.product;
    if (p.a.k_range(P.block.k) == 0) computed.k = 0;
    launch_gemm<P>(executor, problem.product.op, shared_out<typename Params::a_type>(P, computed), p, all, at);
  }
}

/// Runs the residue classes of a strided data gradient with policy P; on a GPU in one launch if their parameters fit
/// it. The classes with the most taps come first: the last blocks of a launch then have the least work.
template <auto P, class Executor, class Classes>
void run_conv_classes(const Executor& executor, const conv_problem& problem, const Classes& classes, operands all,
                      where at) {
  using policy = std::remove_cvref_t<decltype(P)>;
  using one = typename Classes::params;
  one first = classes.of(0);
  if constexpr (std::is_same_v<policy, conv_cpu_policy>) {
    with_column_totals(executor, first, at, [&](const one& with_totals) {
      conv_cpu_all<P>(executor, classes.count(), [&](std::int64_t i) { return classes.of(i, with_totals.epilogue); });
    });
  } else {
    using kernel = typename decltype(gemm_kernel_of<P, gemm_group<one>>())::type;
    if constexpr (std::is_same_v<policy, gemm_mma_sync_policy>)
      refuse(check_instructions<typename one::a_type, typename one::b_type>(problem.product.op, problem.target), at);
    refuse(check_arch(needs_of<kernel>(), problem.target), at);
    column_totals_in<one> totals;
    const std::size_t counter_bytes = totals.bytes(first);
    const allocation memory = counter_bytes > 0 ? executor.workspace(counter_bytes, at) : allocation();
    if (memory.get()) executor.zero_bytes(memory.get(), counter_bytes, at);
    totals.place(first, static_cast<std::byte*>(memory.get()), all);
    gemm_group<one> group;
    std::int64_t tiles = 0;
    const auto launch_them = [&] {
      group.first_tile[group.size] = static_cast<std::int32_t>(tiles);
      launch_gemm<P>(executor, problem.product.op, {.tiles = tiles, .blocks = tiles}, group, all, at);
      group.size = 0, tiles = 0;
    };
    for (std::int64_t taps = classes.most_taps(largest_extent + 1); taps >= 0; taps = classes.most_taps(taps))
      for (std::int64_t i = 0; i < classes.count(); ++i) {
        if (classes.taps(i) != taps) continue;
        const one p = classes.of(i, first.epilogue);
        const std::int64_t more = tiles_of(P, p.rows(), p.columns()) * p.batch.count;
        if (group.size == gemm_group<one>::most || (group.size > 0 && tiles + more > largest_extent)) launch_them();
        group.set(group.size, p);
        group.first_tile[group.size++] = static_cast<std::int32_t>(tiles);
        tiles += more;
      }
    launch_them();
    totals.finish(executor, at);
  }
}

/// Calls f.operator()<Table>() with the table of candidate policies that serves this problem, for elements T.
template <class T, conv_direction Direction, class Executor, class F>
auto with_conv_table([[maybe_unused]] const conv_problem& problem, [[maybe_unused]] where at, F&& f) {
  if constexpr (Executor::uses_cpu_kernels) {
    return f.template operator()<conv_cpu_table<T>>();
  } else {
    // simt and tensor_cores: true if this translation unit compiles the kernels of that kind for T (run_gemm.hpp).
    constexpr bool simt = is_float_type<T> && (sizeof(T) >= 4 || archs_of_unit().sm_75);
    constexpr bool tensor_cores = has_mma_sync<T> && !std::is_same_v<T, double> && (!simt || archs_of_unit().sm_80);
    if constexpr (tensor_cores) {
      if (!simt || has_features(problem.target, atoms::mma_shape<T, T>::needs)) {
        refuse(check_instructions<T, T>(problem.product.op, problem.target), at);
        return f.template operator()<conv_mma_sync_table<T, Direction>>();
      }
    }
    if constexpr (simt) return f.template operator()<conv_simt_table<T, Direction>>();
  }
}

/// Calls run.operator()<P>() with the policy that the table's choose() returns.
template <class T, conv_direction Direction, class Executor, class Run>
void with_conv_policy(const conv_problem& problem, where at, Run&& run) {
  with_conv_table<T, Direction, Executor>(problem, at, [&]<class Table>() {
    with_candidate<Table>(
        Table::choose(problem).index, [&]<auto P>() { run.template operator()<P>(); });
  });
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
