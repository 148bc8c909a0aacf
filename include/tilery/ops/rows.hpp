// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The common part of the row-wise ops: the problem that the selector sees, and the launch of the candidate that it
// picks.
#pragma once
#pragma GCC system_header

#include <tilery/ops/element_types.hpp>
#include <tilery/policies/alignment.hpp>
#include <tilery/policies/row.hpp>
#include <tilery/simt/kernel.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

template <class Executor, class T>
using row_table = std::conditional_t<Executor::lane::alone, row_table_cpu<T>, row_table_gpu<T>>;

/// Elements in the widest access to memory, 16 bytes.
template <class T>
inline constexpr int widest_access = static_cast<int>(16 / sizeof(T));

/// Returns the problem that a row kernel's selector sees, for packs of at most `widest` elements. GPU packs start at
/// aligned addresses, at the same columns in every operand.
template <class First, class... Others>
row_problem describe_rows(int widest, const matrix_view<First>& first, const matrix_view<Others>&... others) {
  return {first.extents[0], first.extents[1], widest_pack_alike(widest, first, others...),
          contiguous_columns(first) && (contiguous_columns(others) && ...)};
}

/// Launches Kernel<P, T> with the policy that the selector picks.
template <template <row_policy, class> class Kernel, class T, class Executor, class Params>
void launch_rows(const Executor& executor, const row_problem& problem, const Params& p, const operands& all, where at) {
  using table = row_table<Executor, T>;
  with_candidate<table>(table::choose(problem).index, [&]<row_policy P>() {
    launch<Kernel<P, T>>(executor, {pieces(problem.rows, P.rows)}, p, all, at);
  });
}

/// Launches Kernel<P, T> with the caller's policy. Throws if the policy cannot serve the problem.
template <template <row_policy, class> class Kernel, row_policy P, class T, class Executor, class Params>
void launch_rows_with(const Executor& executor, const row_problem& problem, const Params& p, const operands& all,
                      const char* op, where at) {
  if (const char* why = misfit(P, problem)) throw error({op, ": ", why}, at);
  launch<Kernel<P, T>>(executor, {pieces(problem.rows, P.rows)}, p, all, at);
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
