// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs a convolution whose operands have been checked, with the kernel of a given policy or of the policy that a table
// chooses.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/conv/cpu.hpp>
#include <tilery/kernels/conv/cpu_weight_gradient.hpp>
#include <tilery/ops/conv_params.hpp>
#include <tilery/ops/run_gemm_group.hpp>
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
/// it.
template <auto P, class Executor, class One>
void run_conv_classes(const Executor& executor, gemm_group_call<One>& call, where at) {
  if constexpr (std::is_same_v<std::remove_cvref_t<decltype(P)>, conv_cpu_policy>)
    with_column_totals_of_group(executor, call.members, call.empty, call.known, at, [&] {
      conv_cpu_all<P>(executor, static_cast<std::int64_t>(call.members.size()),
                      [&](std::int64_t i) -> const One& { return call.members[static_cast<std::size_t>(i)]; });
    });
  else
    run_gemm_group<P>(executor, call, at);
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

/// Inserts a residue class before the first one with fewer taps.
template <class One>
void insert_by_taps(std::vector<One>& members, const One& one) {
  auto place = members.begin();
  while (place != members.end() && place->a.taps.volume() >= one.a.taps.volume()) ++place;
  members.insert(place, one);
}

/// Collects the residue classes of a data gradient that have pixels, those with the most taps first: the last blocks of
/// the launch then have the least work.
template <class Y, class W, class X, class Epilogue>
auto residue_classes(const conv_geometry& g, const images_view<Y>& dy, const images_view<W>& w,
                     const images_view<X>& dx, const Epilogue& e, gemm_factors f) {
  using one = decltype(data_gradient_params(g, spatial<3>(0), dy, w, dx, e, f));
  gemm_group_call<one> call;
  for (std::int32_t i = 0; i < lesser(g.stride[0], g.in[0]); ++i)
    for (std::int32_t j = 0; j < lesser(g.stride[1], g.in[1]); ++j)
      for (std::int32_t k = 0; k < lesser(g.stride[2], g.in[2]); ++k)
        insert_by_taps(call.members, data_gradient_params(g, {i, j, k}, dy, w, dx, e, f));
  call.known.resize(call.members.size());
  return call;
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
