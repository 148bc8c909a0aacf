// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The division of the groups of channels, of one or several products, among the threads of the CPU's convolutions.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>

#include <climits>
#include <cstdint>

namespace tilery::inline TILERY_ABI {

/// Returns the number of threads for `work` multiply-adds, from 1 to `most`. If there are several threads, there are at
/// least 2^18 multiply-adds for each, about 4 us of work for float: for less it is not worth waking a thread.
inline int conv_cpu_threads(std::int64_t work, int most) {
  return static_cast<int>(greater<std::int64_t>(1, lesser<std::int64_t>(work >> 18, most)));
}

/// Returns the parameters of group `index` of a product. Only their `batch` still describes all groups.
template <class Params>
Params conv_cpu_group_of(const Params& p, std::int64_t index) {
  const auto i = static_cast<std::uint32_t>(index);
  Params one = p.c_of(i);
  one.a = p.a_of(i), one.b = p.b_of(i);
  return one;
}

/// Computes all groups of `count` products; `params_of(i)` returns the parameters of product i. `work_of(p)` returns
/// the multiply-adds of one group, and `compute(p, most_threads)` computes one group.
///
/// Order. The small groups come first: several in parallel, each on one thread. The large groups follow one after
/// another, each on several threads. A group is small if it has fewer than 2^20 multiply-adds for each thread of `cpu`,
/// or, if there are at least 8 groups for each thread, fewer than 2^28 multiply-adds.
template <class Executor, class Of, class Work, class Compute>
void conv_cpu_groups(const Executor& cpu, std::int64_t count, const Of& params_of, const Work& work_of,
                     const Compute& compute) {
  std::int64_t groups = 0;
  for (std::int64_t i = 0; i < count; ++i) groups += params_of(i).batch.count;
  // Returns the parameters of group `number`, counted over all products.
  const auto group = [&](std::int64_t number) {
    std::int64_t i = 0;
    for (; number >= params_of(i).batch.count; ++i) number -= params_of(i).batch.count;
    return conv_cpu_group_of(params_of(i), number);
  };
  const auto is_small = [&](std::int64_t work) {
    return work >> 20 < cpu.threads() || (groups >= 8 * cpu.threads() && work >> 28 == 0);
  };
  cpu.parallel(
      groups,
      [&](std::int64_t number) {
        const auto p = group(number);
        if (is_small(work_of(p))) compute(p, 1);
      },
      cpu.threads());
  for (std::int64_t number = 0; number < groups; ++number) {
    const auto p = group(number);
    if (!is_small(work_of(p))) compute(p, INT_MAX);
  }
}

}  // namespace tilery::inline TILERY_ABI
