// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Describes in words what a GEMM would run and what that would cost: the policy and the reason for its choice, the
// blocks, how many of them fit an SM, and whether memory or arithmetic bounds the time.
#pragma once
#pragma GCC system_header

#include <tilery/ops/run_gemm.hpp>

namespace tilery::inline TILERY_ABI::ops {

/// Returns, in words, the number of blocks of a launch and how they share the tiles of C along k.
inline sentence describe_blocks(const gemm_work& w) {
  if (!w.shared()) return {w.blocks, w.blocks == 1 ? " block for its tile" : " blocks, one for each tile"};
  const sentence share(w.blocks, " blocks share its ", w.tiles, w.tiles == 1 ? " tile" : " tiles", " along k");
  if (w.parts == 0) return {share, ", with the k steps of all tiles divided evenly among the blocks"};
  return w.tiles == 1 ? share : sentence(share, ", ", w.parts, " blocks a tile");
}

/// Returns the peak rate of one SM, in multiply-adds a second, for elements T of A and U of B with a kernel of this
/// policy. tf32x3 needs three products for each multiply-add.
template <class T, class U, class Policy>
double multiply_adds_a_second(const Policy& policy, const arch_peaks& on) {
  const unit_rates& r = on.a_clock;
  if constexpr (std::is_same_v<Policy, gemm_mma_sync_policy>) {
    if (std::is_same_v<T, double>) return r.tensor_f64 * on.clock;
    if (sizeof(T) == 4) return r.tensor_tf32 * on.tensor_clock / (policy.math == multiply_as::tf32x3 ? 3 : 1);
    return (std::is_same_v<T, int8> ? r.tensor_s8 : is_fp8<T> ? r.tensor_f8 : r.tensor_f16) * on.tensor_clock;
  } else {
    return (std::is_same_v<T, double> ? r.fma_f64 : r.fma_f32) * on.clock;
  }
}

/// The least cost of a product: its multiply-adds, and the bytes that pass once between memory and SMs.
struct product_cost {
  double products, bytes;
};
/// Returns the cost of a GEMM with elements T of A, U of B and C of C. The A, B and C of each GEMM of a batch are
/// counted: the cost is too high if the GEMMs share A or B (batch stride 0).
template <class T, class U, class C>
product_cost cost_of(const gemm_problem& p) {
  const double each = static_cast<double>(sizeof(T)) * p.m * p.k + static_cast<double>(sizeof(U)) * p.k * p.n +
                      static_cast<double>(sizeof(C)) * p.m * p.n;
  return {static_cast<double>(p.batches) * p.m * p.n * p.k, static_cast<double>(p.batches) * each};
}

/// Returns, in words, a block's threads and shared memory, the number of blocks that fit an SM, the number of waves of
/// `blocks` blocks (of all launches), and the bound of the time.
///
/// The bound is the larger of two times, at the peak rates of arch_peaks.hpp: the time in which the cost's bytes pass
/// between memory and SMs, and the time of all multiply-adds. It is left out if there are no blocks, and for a group,
/// whose members may be smaller than `p`.
template <class T, class U, class Policy>
sentence describe_cost(const Policy& policy, const gemm_problem& p, std::int64_t blocks, const product_cost& cost) {
  const auto rounded = [](double x) {  // to three decimal places; numbers of 1e12 and more are not rounded
    return x < 1e12 ? static_cast<double>(static_cast<std::int64_t>(x * 1000 + 0.5)) / 1000 : x;
  };
  const arch_peaks& on = peaks(p.target);
  const int staged = staged_bytes<T>(policy);
  // Blocks that run at once on the whole GPU.
  const std::int64_t together = blocks_at_once(policy, p.target, staged, sizeof(accumulator_t<T>));
  const sentence block("a block has ", policy.threads(), " threads and ", policy.shared_bytes(staged),
                       " bytes of shared memory; ");
  const sentence fill(together / on.multiprocessors, together == on.multiprocessors ? " fits" : " fit",
                      " an SM: ", rounded(static_cast<double>(blocks) / static_cast<double>(together)),
                      " waves on the ", on.product);
  if (!p.alike || blocks == 0) return {block, fill};
  const double in_memory = cost.bytes / on.dram_bytes_a_second;
  const double in_units = cost.products / (multiply_adds_a_second<T, U>(policy, on) * on.multiprocessors);
  const sentence bound("bound by ", in_memory > in_units ? "memory" : "arithmetic", ", at least ",
                       rounded(1e6 * greater(in_memory, in_units)), " us");
  return {block, fill, "; ", rounded(2 * cost.products / cost.bytes), " operations a byte of A, B and C: ", bound};
}

/// Returns a GEMM's shape in words: "gemm m x n x k".
inline sentence name_of(const gemm_problem& p) { return {"gemm ", p.m, " x ", p.n, " x ", p.k}; }

/// Returns a sentence: `what` (a GEMM) runs this policy, for the reason `why`. On a GPU the policy's blocks and costs
/// follow: launches(policy, blocks) sets `blocks` to the number of blocks and returns, in words, how they are launched.
template <class T, class U, class Executor, class Policy, class Launches>
sentence explain_policy(const sentence& what, const Policy& policy, const sentence& why, const gemm_problem& problem,
                        const Launches& launches, const product_cost& cost) {
  const sentence runs(sentence(what, " (", element<T>::name, ") runs "), describe(policy), ": ", why);
  if constexpr (Executor::uses_cpu_kernels) {
    return runs;
  } else {
    std::int64_t blocks = 0;
    const sentence launched = launches(policy, blocks);
    return {runs, "; ", launched, "; ", describe_cost<T, U>(policy, problem, blocks, cost)};
  }
}

/// Returns the sentence of explain_policy() for the policy that the selector picks. The reason includes the row of the
/// table that gave the policy, and the machine on which that row was measured.
template <class T, class U, class C, class Executor, class Launches>
sentence explain_choice(const sentence& what, const gemm_problem& problem, const Launches& launches) {
  return with_gemm_table<T, U, Executor>(problem, {}, [&]<class Table>() {
    const choice chosen = Table::choose(problem);
    return explain_policy<T, U, Executor>(what, Table::candidates[chosen.index],
                                          {chosen.reason, "; tiles ", describe_row(chosen)}, problem, launches,
                                          cost_of<T, U, C>(problem));
  });
}

/// Returns the argument `launches` of explain_policy() for a GEMM or a batch, which is one launch.
template <class T>
auto launched_at_once(const gemm_problem& problem) {
  return [problem](const auto& policy, std::int64_t& blocks) {
    const gemm_work work = shared_out<T>(policy, problem);
    blocks = work.blocks;
    return describe_blocks(work);
  };
}

}  // namespace tilery::inline TILERY_ABI::ops
