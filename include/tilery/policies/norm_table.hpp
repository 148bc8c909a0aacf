// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of the kernel that sums the chunks of a list of tensors (kernels/optimizer/norm.hpp), one for GPUs and one
// for the CPU: the extents of a chunk by arch, with their evidence. The sums are in double: on GPUs with few units for
// double (sm_75, sm_86, sm_89, sm_120) these can limit the kernel for half and bf16, instead of memory. To tune a GPU,
// add a row to norm_gpu_rows (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/elementwise.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of the tables: the extents of a chunk, for all element types, from the arch `from` on.
struct norm_row {
  arch from;
  int threads;
  int elements;  // of a chunk
  evidence measured;
};

inline constexpr norm_row norm_gpu_rows[] = {
    {.from = arch::sm_75,
     .threads = 256,
     .elements = 16384,
     .measured =
         not_measured("estimated: 4 loads of 16 bytes in flight for each of 256 threads, and a chunk long enough "
                      "to hide the search of its tensor and the reduction over the block")},
};
inline constexpr norm_row norm_cpu_rows[] = {
    {.from = arch::cpu,
     .threads = 1,
     .elements = 8192,
     .measured = not_measured("estimated: a chunk of 8192 elements hides the search of its tensor, and a tensor of a "
                              "million elements has enough chunks for all threads")},
};

/// The facts about the tensors from which the selector chooses.
struct norm_problem {};

/// Rows, candidates and selector on a GPU: a pack is 16 bytes of T.
template <class T>
struct norm_rows_gpu {
  static constexpr const auto& rows = norm_gpu_rows;
  static constexpr candidate_list<elementwise_policy, 1> candidates(const norm_row& row) {
    constexpr int vector = static_cast<int>(16 / sizeof(T));
    return {{{.threads = row.threads, .vector = vector, .packs = row.elements / (row.threads * vector)}}};
  }
  static constexpr choice select(const norm_row&, const elementwise_policy (&)[1], const norm_problem&) {
    return {0, "16-byte accesses for the tensors whose pointers are aligned"};
  }
};

/// Rows, candidates and selector on the CPU: a pack has as many elements as a vector register has doubles, because the
/// sums are double.
template <class T>
struct norm_rows_cpu {
  static constexpr const auto& rows = norm_cpu_rows;
  static constexpr candidate_list<elementwise_policy, 1> candidates(const norm_row& row) {
    constexpr int vector = static_cast<int>(vector_bytes() / sizeof(double));
    return {{{.threads = row.threads, .vector = vector, .packs = row.elements / vector, .lowest = arch::cpu}}};
  }
  static constexpr choice select(const norm_row&, const elementwise_policy (&)[1], const norm_problem&) {
    return {0, "whole vector registers of double, at any address"};
  }
};

template <class T>
struct norm_table_gpu : policy_table<norm_rows_gpu<T>> {};
template <class T>
struct norm_table_cpu : policy_table<norm_rows_cpu<T>> {};

/// The table for an executor. T is the element type of the tensors.
template <class Executor, class T>
using norm_table = std::conditional_t<Executor::uses_cpu_kernels, norm_table_cpu<T>, norm_table_gpu<T>>;

}  // namespace tilery::inline TILERY_ABI
