// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The common part of the elementwise ops (activations, copy, fill): the problem that the selector sees, and
// the launch of the policy that the selector picks (policies/elementwise_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/kernels/elementwise.hpp>
#include <tilery/ops/element_types.hpp>
#include <tilery/policies/alignment.hpp>
#include <tilery/policies/elementwise_table.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The table of policies for elements of T on this executor.
template <class Executor, class T>
using elementwise_table =
    std::conditional_t<Executor::uses_cpu_kernels, elementwise_table_cpu<T>, elementwise_table_gpu<T>>;

/// Launches the elementwise kernel of Params with the policy that the selector picks. T is the widest element type of
/// the operands: the widest pack of the policies is 16 bytes of T on a GPU, and on the CPU one vector register of
/// accumulator_t<T>. Throws if the launch would have more than `largest_extent` blocks.
template <class T, class Executor, class Params>
void launch_elementwise(const Executor& executor, const elementwise_problem& problem, const Params& p,
                        const operands& all, where at) {
  using table = elementwise_table<Executor, T>;
  with_candidate<table>(table::choose(problem, executor.target()).index, [&]<elementwise_policy P>() {
    using kernel = elementwise<P, Params>;
    const std::int64_t blocks = kernel::block_count(p);
    if (blocks > largest_extent)
      throw error({Params::name, ": the tensor takes ", blocks, " blocks; a launch has at most ", largest_extent}, at);
    launch<kernel>(executor, {static_cast<int>(blocks)}, p, all, at);
  });
}

/// Returns the problem that the selector sees: the widest pack, of at most `widest` elements, for which the rows of all
/// matrices are aligned, and true if the columns of all matrices are contiguous.
template <class... T>
elementwise_problem describe_elements(int widest, const matrix_view<T>&... all) {
  return {widest_pack(widest, all...), (contiguous_columns(all) && ...)};
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
