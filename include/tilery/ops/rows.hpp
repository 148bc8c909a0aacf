// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The common part of the row-wise ops (softmax, cross-entropy), which reduce each row of a matrix: the problem that the
// selector sees, and the launch of the policy that the selector picks.
//
// To add a row-wise op NAME, write
//   kernels/NAME.hpp                   its kernel (model: kernels/softmax.hpp); tile/row_values.hpp reads a row,
//                                      tile/row_group.hpp reduces values over the lanes that share a row
//   NAME.hpp                           the public op: docstring, checks, launch_rows (model: softmax.hpp); and a line
//                                      in tilery.hpp
//   tests/ops/NAME_test.cpp            and its line in tests/CMakeLists.txt
// The kernel's policy is a row_policy (policies/row.hpp); the table policies/row_table.hpp serves all row-wise ops.
#pragma once
#pragma GCC system_header

#include <tilery/ops/element_types.hpp>
#include <tilery/policies/alignment.hpp>
#include <tilery/policies/row_table.hpp>
#include <tilery/simt/launch.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The table of policies for elements of T on this executor.
template <class Executor, class T>
using row_table = std::conditional_t<Executor::uses_cpu_kernels, row_table_cpu<T>, row_table_gpu<T>>;

/// Number of elements of T in the widest access to memory, which is 16 bytes.
template <class T>
inline constexpr int widest_access = static_cast<int>(16 / sizeof(T));

/// Returns the problem that the selector of a row kernel sees: rows, columns, the widest pack (of at most `widest`
/// elements), and true if the columns are contiguous. On a GPU packs start at aligned addresses, so the pack is the
/// widest one whose aligned addresses are at the same columns in every operand.
template <class First, class... Others>
row_problem describe_rows(int widest, const matrix_view<First>& first, const matrix_view<Others>&... others) {
  return {first.extents[0], first.extents[1], widest_pack_alike(widest, first, others...),
          contiguous_columns(first) && (contiguous_columns(others) && ...)};
}

/// Launches Kernel<P, T> with the policy that the selector picks.
template <template <row_policy, class> class Kernel, class T, class Executor, class Params>
void launch_rows(const Executor& executor, const row_problem& problem, const Params& p, const operands& all, where at) {
  using table = row_table<Executor, T>;
  with_candidate<table>(table::choose(problem, executor.target()).index, [&]<row_policy P>() {
    launch<Kernel<P, T>>(executor, {pieces(problem.rows, P.rows)}, p, all, at);
  });
}

/// Launches Kernel<P, T> with the caller's policy P. Throws if the policy cannot serve the problem. `op` is the op's
/// name in the error message.
template <template <row_policy, class> class Kernel, row_policy P, class T, class Executor, class Params>
void launch_rows_with(const Executor& executor, const row_problem& problem, const Params& p, const operands& all,
                      const char* op, where at) {
  if (const char* why = misfit(P, problem)) throw error({op, ": ", why}, at);
  launch<Kernel<P, T>>(executor, {pieces(problem.rows, P.rows)}, p, all, at);
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
