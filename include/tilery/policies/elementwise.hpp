// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the elementwise kernels (activations, optimizers, copy, fill), its rules, its candidates and the
// selector. These kernels compute each element independently, and memory bandwidth bounds them on every machine.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/element.hpp>
#include <tilery/core/error.hpp>
#include <tilery/policies/choice.hpp>

namespace tilery::inline TILERY_ABI {

/// How an elementwise kernel cuts a matrix: a block computes block_elements() elements of one row.
struct elementwise_policy {
  int threads = 256;
  int vector = 4;  // elements of one access; 1 serves any strides and alignment
  int packs = 4;   // packs of each lane
  arch lowest = arch::sm_75;
  host_isa isa = native_isa;

  constexpr int block_elements() const { return threads * vector * packs; }
};

// Compilers quote the line of a call, and the sentence must stand on it.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const elementwise_policy& p, when_broken how = when_broken::say) {
  if (p.vector < 1 || (p.vector & (p.vector - 1)))
    return broken("elementwise_policy.vector must be a power of two, because an access is one pack", how);
  if (p.packs < 1) return broken("elementwise_policy.packs must be at least 1", how);
  if (p.lowest == arch::cpu ? p.threads != 1 : (p.threads < 32 || p.threads % 32 || p.threads > 1024))
    return broken("elementwise_policy.threads must be a multiple of 32 from 32 to 1024, and 1 on the CPU", how);
  return nullptr;
}
// clang-format on

/// What the selector knows of a problem.
struct elementwise_problem {
  int vector = 1;  // elements of the widest pack for which all operands are aligned; a row may end in part of one
  bool contiguous = false;  // true if the columns of all operands are contiguous
};

/// Candidates on a GPU, for kernels whose packs are 16 bytes of T.
template <class T>
struct elementwise_table_gpu {
  static constexpr int vector = static_cast<int>(16 / sizeof(T));
  static constexpr elementwise_policy candidates[2] = {
      {.threads = 256, .vector = vector, .packs = 2},  // each lane has 2 accesses to each operand in flight
      {.threads = 256, .vector = 1, .packs = 4},
  };
  static constexpr choice choose(const elementwise_problem& p) {
    if (p.contiguous && p.vector >= vector) return {0, "aligned operands: 16-byte accesses"};
    return {1, "an operand is not contiguous or not aligned: single elements"};
  }
};

/// Candidates on the CPU: a pack is one vector register of the accumulation type; a block is 4096 elements (16 KiB of
/// float).
template <class T>
struct elementwise_table_cpu {
  static constexpr int vector = static_cast<int>(vector_bytes() / sizeof(accumulator_t<T>));
  static constexpr elementwise_policy candidates[2] = {
      {.threads = 1, .vector = vector, .packs = 4096 / vector, .lowest = arch::cpu},
      {.threads = 1, .vector = 1, .packs = 4096, .lowest = arch::cpu},
  };
  static constexpr choice choose(const elementwise_problem& p) {
    if (p.contiguous) return {0, "contiguous columns: whole registers"};
    return {1, "an operand's columns are not contiguous: single elements"};
  }
};

}  // namespace tilery::inline TILERY_ABI
