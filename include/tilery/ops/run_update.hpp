// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Launches the kernels of optimizers: the update of a table of tensors, and the constants of its groups.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/optimizer/advance.hpp>
#include <tilery/kernels/optimizer/eight_bit.hpp>
#include <tilery/policies/optimizer_table.hpp>
#include <tilery/simt/launch.hpp>

#include <algorithm>
#include <span>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns the widest of the types of a table's elements.
template <class Record>
using widest_type = std::conditional_t<
    (sizeof(typename Record::accumulator) >= sizeof(typename Record::gradient_type) &&
     sizeof(typename Record::accumulator) >= sizeof(typename Record::state_type)),
    typename Record::accumulator,
    std::conditional_t<(sizeof(typename Record::gradient_type) >= sizeof(typename Record::state_type)),
                       typename Record::gradient_type, typename Record::state_type>>;

/// True if all pointers of the tensor are aligned for packs of `vector` elements, or for the host's packs, which need
/// no alignment.
template <class Executor, class Record>
bool has_whole_packs(const Record& tensor, int vector) {
  return Executor::uses_cpu_kernels || tensor.aligned_for(vector);
}

/// Returns how many chunks of `elements` elements a tensor has.
inline std::int64_t chunks_of(std::int64_t size, int elements) { return (size + elements - 1) / elements; }

/// Launches the update of all chunks with policy P: with the kernel for states of 8 bits if the records have such.
/// Throws if the launch would have more than `largest_extent` blocks.
template <elementwise_policy P, class Executor, class Params>
void launch_update(const Executor& executor, const Params& p, const operands& all, where at) {
  if (p.chunks > largest_extent)
    throw error({Params::name, ": the tensors have ", p.chunks, " chunks of ", P.block_elements(),
                 " elements; a launch has at most ", largest_extent},
                at);
  if (p.chunks == 0) return;
  if constexpr (requires(typename Params::record r) { r.largest; })
    launch<eight_bit_update<P, Params>>(executor, {static_cast<int>(p.chunks)}, p, all, at);
  else
    launch<optimizer_update<P, Params>>(executor, {static_cast<int>(p.chunks)}, p, all, at);
}

/// Begins an update: computes the factor of the gradients, and the constants of all groups into `constants`, moves the
/// groups' `rule_scalars` on, and counts the update in `scalars`.
template <class S, class Executor, class Rule>
void launch_advance(const Executor& executor, std::span<const Rule> groups, double* scalars, double* rule_scalars,
                    std::int32_t* constants, S largest_gradient, const gradient_scaling& scaling, const operands& all,
                    where at) {
  using params = advance_params<Rule, S>;
  using kernel = optimizer_advance<Executor::uses_cpu_kernels ? 1 : 32, params>;
  for (std::size_t first = 0; first < groups.size(); first += params::most) {
    const std::size_t size = std::min<std::size_t>(groups.size() - first, params::most);
    params p{.size = static_cast<std::int32_t>(size),
             .is_last = first + size == groups.size(),
             .scalars = gmem_ptr<double>(scalars),
             .rule_scalars = gmem_ptr<double>(rule_scalars + first * scalars_of<Rule>()),
             .constants = gmem_ptr<std::int32_t>(constants + first * words_of<update_constants<Rule, S>>),
             .largest_gradient = largest_gradient,
             .scaling = scaling};
    for (std::size_t i = 0; i < size; ++i) p.groups[i] = groups[first + i];
    launch<kernel>(executor, {1}, p, all, at);
  }
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
