// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of the optimizers' update kernel (kernels/optimizer/update.hpp), one for GPUs and one for the CPU: the
// extents of a chunk by arch, with their evidence, and the selectors. Its policy is the elementwise_policy: a block
// updates a chunk of threads * vector * packs neighbouring elements of one tensor. To tune a GPU, add a row to
// optimizer_gpu_rows (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/elementwise.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of the tables: the extents of a chunk, for all element types, from the arch `from` on.
struct optimizer_row {
  arch from;
  int threads;
  int packs;     // GPU: packs of a lane. CPU: not used
  int elements;  // CPU: elements of a chunk. GPU: not used
  evidence measured;
};

inline constexpr optimizer_row optimizer_gpu_rows[] = {
    {.from = arch::sm_75,
     .threads = 256,
     .packs = 8,
     .elements = 0,
     .measured = not_measured("estimated: a chunk of 8192 elements hides the search of its tensor")},
};
inline constexpr optimizer_row optimizer_cpu_rows[] = {
    {.from = arch::cpu,
     .threads = 1,
     .packs = 0,
     .elements = 4096,
     .measured = not_measured("estimated: a chunk of 4096 elements, 16 KiB of float, as in the elementwise kernels")},
};

/// The facts about the tensors from which the selector chooses: none, because the kernel itself takes single elements
/// for a tensor whose pointers are not aligned.
struct optimizer_problem {};

/// Rows, candidates and selector on a GPU. T is the widest element type: a pack is 16 bytes of T.
template <class T>
struct optimizer_rows_gpu {
  static constexpr const auto& rows = optimizer_gpu_rows;
  static constexpr candidate_list<elementwise_policy, 1> candidates(const optimizer_row& row) {
    return {{{.threads = row.threads, .vector = static_cast<int>(16 / sizeof(T)), .packs = row.packs}}};
  }
  static constexpr choice select(const optimizer_row&, const elementwise_policy (&)[1], const optimizer_problem&) {
    return {0, "16-byte accesses for the tensors whose pointers are aligned"};
  }
};

/// Rows, candidates and selector on the CPU: a pack has as many elements as a vector register has of T's accumulation
/// type.
template <class T>
struct optimizer_rows_cpu {
  static constexpr const auto& rows = optimizer_cpu_rows;
  static constexpr int vector = static_cast<int>(vector_bytes() / sizeof(accumulator_t<T>));
  static constexpr candidate_list<elementwise_policy, 1> candidates(const optimizer_row& row) {
    return {{{.threads = row.threads, .vector = vector, .packs = row.elements / vector}}};
  }
  static constexpr choice select(const optimizer_row&, const elementwise_policy (&)[1], const optimizer_problem&) {
    return {0, "whole vector registers, at any address"};
  }
};

template <class T>
struct optimizer_table_gpu : policy_table<optimizer_rows_gpu<T>> {};
template <class T>
struct optimizer_table_cpu : policy_table<optimizer_rows_cpu<T>> {};

/// The table for an executor. T is the widest element type of weights, gradients and states.
template <class Executor, class T>
using optimizer_table = std::conditional_t<Executor::uses_cpu_kernels, optimizer_table_cpu<T>, optimizer_table_gpu<T>>;

}  // namespace tilery::inline TILERY_ABI
