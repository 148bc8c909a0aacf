// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of the column sum kernel, one for GPUs and one for the CPU: the extents of a block by arch, with their
// evidence (where they were measured), and the selectors. A row of a table has two candidates, one with wide accesses
// and one with accesses of one element. To tune a GPU, add a row to column_sum_gpu_rows (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/column_sum.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of the tables: the extents of a block, for all element types, from the arch `from` on. The fields from
/// `threads` to `slice_rows` are those of column_sum_policy (column_sum.hpp).
struct column_sum_row {
  arch from;
  int threads;
  int column_lanes;
  int packs;
  int slice_rows;  // the same for both candidates of a row: the size of the op's workspace depends on it
  evidence measured;
};

inline constexpr column_sum_row column_sum_on_h200 =
    {.from = arch::sm_90,
     .threads = 256,
     .column_lanes = 32,
     .packs = 1,
     .slice_rows = 512,
     .measured = {.machine = "H200",
                  .when = "driver 580.159.04, 2026-11-23",
                  .command = "benchmarks/run.sh --run elementwise_gpu",
                  .figure = "4194304 floats take 2.2 times as long as a copy of them"}};

inline constexpr column_sum_row column_sum_gpu_rows[] = {
    taken_from(column_sum_on_h200, arch::sm_75, "taken from sm_90's row"),
    column_sum_on_h200,
    taken_from(column_sum_on_h200, arch::sm_100, "taken from sm_90's row"),
};
inline constexpr column_sum_row column_sum_cpu_rows[] = {
    {.from = arch::cpu,
     .threads = 1,
     .column_lanes = 1,
     .packs = 4,
     .slice_rows = 1 << 16,
     .measured = not_measured("estimated: four packs of a row are added up at once")},
};

/// Rows, candidates and selector for elements of T on a GPU: a pack is 16 bytes of T.
template <class T>
struct column_sum_rows_gpu {
  static constexpr const auto& rows = column_sum_gpu_rows;
  static constexpr int vector = static_cast<int>(16 / sizeof(T));

  static constexpr column_sum_policy with(const column_sum_row& row, int elements) {
    return {.threads = row.threads,
            .column_lanes = row.column_lanes,
            .vector = elements,
            .packs = row.packs,
            .slice_rows = row.slice_rows};
  }
  static constexpr candidate_list<column_sum_policy, 2> candidates(const column_sum_row& row) {
    return {{with(row, vector), with(row, 1)}};
  }
  static constexpr choice select(const column_sum_row&, const column_sum_policy (&)[2], const column_sum_problem& p) {
    if (p.contiguous && p.vector >= vector) return {0, "an aligned matrix: 16-byte loads"};
    return {1, "columns not contiguous or not aligned: single elements"};
  }
};

/// Rows, candidates and selector for elements of T on the CPU: a pack has as many elements as a vector register has of
/// the accumulation type.
template <class T>
struct column_sum_rows_cpu {
  static constexpr const auto& rows = column_sum_cpu_rows;
  static constexpr int vector = static_cast<int>(vector_bytes() / sizeof(accumulator_t<T>));

  static constexpr candidate_list<column_sum_policy, 2> candidates(const column_sum_row& row) {
    return {{column_sum_rows_gpu<T>::with(row, vector), column_sum_rows_gpu<T>::with(row, 1)}};
  }
  static constexpr choice select(const column_sum_row&, const column_sum_policy (&)[2], const column_sum_problem& p) {
    if (p.contiguous) return {0, "contiguous columns: whole vector registers"};
    return {1, "columns not contiguous: single elements"};
  }
};

template <class T>
struct column_sum_table_gpu : policy_table<column_sum_rows_gpu<T>> {};
template <class T>
struct column_sum_table_cpu : policy_table<column_sum_rows_cpu<T>> {};

}  // namespace tilery::inline TILERY_ABI
