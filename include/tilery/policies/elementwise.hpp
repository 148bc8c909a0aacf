// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the elementwise kernels (activations, copy, fill) and of the optimizers' update, and its rules. These
// kernels compute each element independently of the others and do little arithmetic, so for large matrices memory
// bandwidth is the limit.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/error.hpp>

namespace tilery::inline TILERY_ABI {

/// How an elementwise kernel cuts a matrix: a block computes block_elements() elements of one row.
struct elementwise_policy {
  int threads = 256;          // threads of a block
  int vector = 4;             // elements of one access; 1 serves any strides and alignment
  int packs = 4;              // packs (of `vector` elements) that each lane computes
  arch lowest = arch::sm_75;  // the first arch that the kernel is compiled for
  // The instruction set that this translation unit is compiled for. It makes the CPU's kernels of units with different
  // instruction sets different types, so that the linker does not merge their code.
  host_isa isa = native_isa;
  friend constexpr bool operator==(const elementwise_policy&, const elementwise_policy&) = default;

  constexpr int block_elements() const { return threads * vector * packs; }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
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

/// The facts about a problem from which the selector chooses a policy.
struct elementwise_problem {
  int vector = 1;  // elements of the widest pack (access) for which all operands are aligned; the last pack of a row
                   // may be incomplete
  bool contiguous = false;  // true if the columns of all operands are contiguous
};

}  // namespace tilery::inline TILERY_ABI
