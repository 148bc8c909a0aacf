// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of the global pooling kernel, one for GPUs and one for the CPU: the extents of a block by arch, with their
// evidence, and the selectors. To tune a GPU, add a row to global_pool_gpu_rows (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/global_pool.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of the tables: the extents of a block (global_pool.hpp), for all element types, from the arch `from` on.
struct global_pool_row {
  arch from;
  int threads;
  int channel_lanes;  // if channels are innermost in memory; with pixels innermost, a warp has one channel
  int packs;          // packs of a pixel that a lane reduces
  int many_packs;     // on the CPU: used instead of `packs` if x has at least the channels of these packs
  evidence measured;
};

inline constexpr global_pool_row global_pool_gpu_rows[] = {
    {.from = arch::sm_75,
     .threads = 256,
     .channel_lanes = 16,
     .packs = 1,
     .many_packs = 1,
     .measured = not_measured("16 lanes read 256 neighbouring bytes of a pixel, 16 pixels at once")},
};
inline constexpr global_pool_row global_pool_cpu_rows[] = {
    {.from = arch::cpu,
     .threads = 1,
     .channel_lanes = 1,
     .packs = 4,
     .many_packs = vector_bytes() == 64 ? 16 : 8,
     .measured = {.machine = "Zen 4 EPYC",
                  .when = "g++ 12.2, 2026-11-30",
                  .command = "benchmarks/run.sh pool",
                  .figure =
                      "the means of 32 x 7 x 7 x 2048 floats take 1.49, 1.16 and 1.00 ms with 4, 8 and 16 packs"}},
};

/// Rows, candidates and selector on a GPU: a pack is 16 bytes of T.
template <class T>
struct global_pool_rows_gpu {
  static constexpr const auto& rows = global_pool_gpu_rows;
  static constexpr int vector = static_cast<int>(16 / sizeof(T));

  static constexpr global_pool_policy with(const global_pool_row& row, int elements) {
    return {.threads = row.threads, .channel_lanes = row.channel_lanes, .vector = elements, .packs = row.packs};
  }
  static constexpr candidate_list<global_pool_policy, 3> candidates(const global_pool_row& row) {
    return {{with(row, vector),
             with(row, 1),
             {.threads = row.threads, .channel_lanes = row.threads / 32, .pixels_inner = true, .vector = 1}}};
  }
  static constexpr choice select(const global_pool_row&, const global_pool_policy (&)[3],
                                 const global_pool_problem& p) {
    if (p.contiguous && p.vector >= vector) return {0, "aligned channels: 16-byte loads"};
    if (p.pixels_inner) return {2, "the pixels of a channel are neighbours: a warp reads them"};
    return {1, "channels not contiguous, not aligned or not whole packs: single elements"};
  }
};

/// Rows, candidates and selector on the CPU: a pack is one vector register of the accumulation type.
template <class T>
struct global_pool_rows_cpu {
  static constexpr const auto& rows = global_pool_cpu_rows;
  static constexpr int vector = static_cast<int>(vector_bytes() / sizeof(accumulator_t<T>));

  static constexpr candidate_list<global_pool_policy, 3> candidates(const global_pool_row& row) {
    return {{{.threads = 1, .channel_lanes = 1, .vector = vector, .packs = row.many_packs},
             {.threads = 1, .channel_lanes = 1, .vector = vector, .packs = row.packs},
             {.threads = 1, .channel_lanes = 1, .vector = 1, .packs = 1}}};
  }
  static constexpr choice select(const global_pool_row&, const global_pool_policy (&candidates)[3],
                                 const global_pool_problem& p) {
    if (!p.contiguous) return {2, "channels not contiguous: single elements"};
    if (p.channels >= candidates[0].channels()) return {0, "many channels: long runs of memory, sums in registers"};
    return {1, "few channels: whole vector registers"};
  }
};

template <class T>
struct global_pool_table_gpu : policy_table<global_pool_rows_gpu<T>> {};
template <class T>
struct global_pool_table_cpu : policy_table<global_pool_rows_cpu<T>> {};

}  // namespace tilery::inline TILERY_ABI
