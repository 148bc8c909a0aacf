// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM on the CPU: one GEMM, a batch, or a list of GEMMs. A pass (gemm/cpu_pass.hpp) is a range of k: the threads pack
// this range of A and of B in parallel, except an operand that is read in place, then multiply the two in parallel. The
// last pass also computes C from the sums (alpha, beta, epilogue), while they are still in the L1 cache. For a C with
// few rows or few columns see gemm/cpu_skinny.hpp.
//
// The order of the additions does not depend on the number of threads: one thread and many threads give the same bits.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/core/buffer.hpp>
#include <tilery/kernels/gemm/cpu_pass.hpp>
#include <tilery/kernels/gemm/cpu_skinny.hpp>

#include <climits>

namespace tilery::inline TILERY_ABI {

/// Returns the number of threads for a GEMM, from 1 to `most`. If there are several threads, there are at least 2^18
/// multiply-adds for each, about 4 us of work for float: for less it is not worth waking a thread. The epilogue counts
/// as one multiply-add for each element of C.
template <class Params>
int gemm_cpu_threads(const Params& p, int most) {
  const std::int64_t work = std::int64_t{p.c.rows} * p.c.columns * (p.a.k + 1);
  return static_cast<int>(greater<std::int64_t>(1, lesser<std::int64_t>(work >> 18, most)));
}

/// C = epilogue(alpha A B + beta C) on at most min(cpu.threads(), most_threads) threads. Any strides and any size; with
/// k = 0, A B is 0. Packing converts the elements to the type in which they are multiplied (`tile::cpu_factor`). The
/// epilogue runs once for each element of C, after the sum over all k is complete.
template <gemm_cpu_policy P, class Executor, class Params>
void gemm_cpu(const Executor& cpu, const Params& p, int most_threads = INT_MAX) {
  static_assert(keeps_rules<P, sizeof(typename Params::accumulator)>(), "the policy breaks a rule");
  if (p.c.rows == 0 || p.c.columns == 0) return;
  const int threads = gemm_cpu_threads(p, lesser(cpu.threads(), most_threads));
  gemm_cpu_pass<P, Params> pass(p);
  const allocation workspace = cpu.workspace(pass.workspace_bytes());
  pass.use(workspace.get());
  for (std::int64_t n = 0; n < p.c.columns; n += P.n_span) {
    for (std::int64_t m = 0; m < p.c.rows; m += P.m_span) {
      for (int step = 0; step < pass.steps(); ++step) {
        pass.go_to(static_cast<int>(m), static_cast<int>(n), step, threads);
        cpu.parallel(
            pass.pack_shares(), [&](std::int64_t share) { pass.pack_share(share); },  //
            pass.shares(), [&](std::int64_t share) { pass.multiply_share(share); }, threads);
      }
    }
  }
}

/// The overload for the policy of a C with few rows or few columns; computes the same formula. The long operand, the
/// operand of C's longer dimension (B if C has few rows, else A), is read from memory once, and is not packed.
template <gemm_cpu_skinny_policy P, class Executor, class Params>
void gemm_cpu(const Executor& cpu, const Params& p, int most_threads = INT_MAX) {
  static_assert(keeps_rules<P, sizeof(typename Params::accumulator)>(), "the policy breaks a rule");
  if (p.c.rows == 0 || p.c.columns == 0) return;
  const int threads = gemm_cpu_threads(p, lesser(cpu.threads(), most_threads));
  gemm_cpu_skinny<P, Params> skinny(p, threads);
  const allocation workspace = cpu.workspace(skinny.workspace_bytes());
  if (!workspace.get() && skinny.workspace_bytes() > 0) return;  // the executor only validates the call
  skinny.pack_short(workspace.get());
  cpu.parallel(
      skinny.shares(), [&](std::int64_t share) { skinny.multiply(share); }, threads);
}

/// Computes `count` GEMMs; `params_of(i)` returns the parameters of GEMM i. Each GEMM gives the same bits as when it is
/// computed alone.
///
/// Order. The small GEMMs come first: several in parallel, each on one thread. The large GEMMs follow one after
/// another, each on several threads. A GEMM is small if it has fewer than 2^20 multiply-adds for each thread of `cpu`,
/// or, if there are at least 8 GEMMs for each thread, fewer than 2^28 multiply-adds.
template <auto P, class Executor, class Of>
void gemm_cpu_all(const Executor& cpu, std::int64_t count, const Of& params_of) {
  const auto small = [&](const auto& p) {
    const std::int64_t work = std::int64_t{p.c.rows} * p.c.columns * (p.a.k + 1);
    return work >> 20 < cpu.threads() || (count >= 8 * cpu.threads() && work >> 28 == 0);
  };
  cpu.parallel(
      count,
      [&](std::int64_t i) {
        const auto& p = params_of(i);
        if (small(p)) gemm_cpu<P>(cpu, p, 1);
      },
      cpu.threads());
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& p = params_of(i);
    if (!small(p)) gemm_cpu<P>(cpu, p);
  }
}

/// Computes all GEMMs of a batch, or a single GEMM (p.batch.count = 1).
template <auto P, class Executor, class Params>
void gemm_cpu_batch(const Executor& cpu, const Params& p) {
  if (p.batch.count == 1) return gemm_cpu<P>(cpu, p);
  gemm_cpu_all<P>(cpu, p.batch.count, [&](std::int64_t index) {
    const int i = static_cast<int>(index);
    Params one = p.c_of(i);
    one.a = p.a_of(i), one.b = p.b_of(i), one.batch = {};
    return one;
  });
}

}  // namespace tilery::inline TILERY_ABI
