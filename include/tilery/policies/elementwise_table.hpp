// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of the elementwise kernels (activations, copy, fill), one for GPUs and one for the CPU: the
// extents of a block by arch, with their evidence (where they were measured), and the selectors. A row of a table has
// two candidates, one with wide accesses (packs of several elements) and one with accesses of one element. To tune a
// GPU, add a row to elementwise_gpu_rows (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/elementwise.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of the tables: the extents of a block (elementwise.hpp), for all element types, from the arch `from` on.
struct elementwise_row {
  arch from;
  int threads;
  int packs;  // GPU: packs of a lane in the candidate with 16-byte packs. CPU: not used
  // GPU: elements of a lane in the candidate with single elements. CPU: elements of a block, in both candidates
  int single_packs;
  evidence measured;
};

inline constexpr elementwise_row elementwise_on_h200 =
    {.from = arch::sm_90,
     .threads = 256,
     .packs = 2,
     .single_packs = 4,
     .measured = {.machine = "H200",
                  .when = "driver 580.159.04, 2026-11-23",
                  .command = "benchmarks/run.sh --run elementwise_gpu",
                  .figure = "relu of 8388608 floats takes 1.05 times as long as a copy of them"}};

inline constexpr elementwise_row elementwise_gpu_rows[] = {
    taken_from(elementwise_on_h200, arch::sm_75, "taken from sm_90's row"),
    elementwise_on_h200,
    taken_from(elementwise_on_h200, arch::sm_100, "taken from sm_90's row"),
};
inline constexpr elementwise_row elementwise_cpu_rows[] = {
    {.from = arch::cpu,
     .threads = 1,
     .packs = 0,
     .single_packs = 4096,
     .measured = not_measured("estimated: a block has 4096 elements, 16 KiB of float")},
};

/// Rows, candidates and selector on a GPU. T is the widest element type of the operands: a pack is 16 bytes of T.
template <class T>
struct elementwise_rows_gpu {
  static constexpr const auto& rows = elementwise_gpu_rows;
  static constexpr int vector = static_cast<int>(16 / sizeof(T));

  static constexpr candidate_list<elementwise_policy, 2> candidates(const elementwise_row& row) {
    return {{{.threads = row.threads, .vector = vector, .packs = row.packs},
             {.threads = row.threads, .vector = 1, .packs = row.single_packs}}};
  }
  static constexpr choice select(const elementwise_row&, const elementwise_policy (&)[2],
                                 const elementwise_problem& p) {
    if (p.contiguous && p.vector >= vector) return {0, "aligned operands: 16-byte accesses"};
    return {1, "an operand is not contiguous or not aligned: single elements"};
  }
};

/// Rows, candidates and selector on the CPU. T is the widest element type of the operands: a pack has as many elements
/// as a vector register has of T's accumulation type.
template <class T>
struct elementwise_rows_cpu {
  static constexpr const auto& rows = elementwise_cpu_rows;
  static constexpr int vector = static_cast<int>(vector_bytes() / sizeof(accumulator_t<T>));

  static constexpr candidate_list<elementwise_policy, 2> candidates(const elementwise_row& row) {
    return {{{.threads = row.threads, .vector = vector, .packs = row.single_packs / vector},
             {.threads = row.threads, .vector = 1, .packs = row.single_packs}}};
  }
  static constexpr choice select(const elementwise_row&, const elementwise_policy (&)[2],
                                 const elementwise_problem& p) {
    if (p.contiguous) return {0, "contiguous columns: whole vector registers"};
    return {1, "an operand's columns are not contiguous: single elements"};
  }
};

template <class T>
struct elementwise_table_gpu : policy_table<elementwise_rows_gpu<T>> {
  static constexpr int vector = elementwise_rows_gpu<T>::vector;  // elements of a pack
};
template <class T>
struct elementwise_table_cpu : policy_table<elementwise_rows_cpu<T>> {
  static constexpr int vector = elementwise_rows_cpu<T>::vector;
};

}  // namespace tilery::inline TILERY_ABI
