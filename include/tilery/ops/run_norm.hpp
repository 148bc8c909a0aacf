// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Launches the two kernels of norms: the sums of the chunks of all tensors, and the norms of each tensor or of all.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/norm.hpp>
#include <tilery/ops/run_update.hpp>
#include <tilery/policies/norm_table.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Calls run.template operator()<P>() with the policy P of norms for elements of T.
template <class T, class Executor, class Run>
void with_norm_policy(const Executor& executor, Run&& run) {
  using table = norm_table<Executor, T>;
  with_candidate<table>(table::choose(norm_problem{}, executor.target()).index, run);
}

/// Returns the elements of a chunk.
template <class T, class Executor>
int norm_chunk_elements(const Executor& executor) {
  return norm_table<Executor, T>::row(executor.target()).elements;
}

/// Launches the sums of all chunks of a table of tensors. Throws if the launch would have more than `largest_extent`
/// blocks.
template <class Kind, elementwise_policy P, class Executor, class Table>
void launch_norm_of_chunks(const Executor& executor, const char* op, const Table& table, std::int64_t chunks,
                           double* sums, const operands& all, where at) {
  if (chunks > largest_extent)
    throw error({op, ": the tensors have ", chunks, " chunks of ", P.block_elements(),
                 " elements; a launch has at most ", largest_extent},
                at);
  const norm_of_chunks_params<Kind, Table> p{table, gmem_ptr<double>(sums)};
  launch<norm_of_chunks<P, norm_of_chunks_params<Kind, Table>>>(executor, {static_cast<int>(chunks)}, p, all, at);
}

/// Launches the norms of `tensors` tensors from the sums of their chunks. `of` is a table of tensors, or all_chunks.
template <class Kind, class Executor, class Chunks, class Result>
void launch_norm_totals(const Executor& executor, const Chunks& of, int tensors, std::int64_t chunks,
                        const double* sums, Result* results, const operands& all, where at) {
  using params = norm_totals_params<Kind, Chunks, Result>;
  // All tensors together have many chunks, one tensor has few.
  constexpr int threads = Executor::uses_cpu_kernels ? 1 : std::is_same_v<Chunks, all_chunks> ? 512 : 128;
  using kernel = norm_totals<threads, params>;
  const params p{.of = of,
                 .chunks = static_cast<std::int32_t>(chunks),
                 .sums = gmem_ptr<const double>(sums),
                 .results = gmem_ptr<Result>(results)};
  launch<kernel>(executor, {tensors}, p, all, at);
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
