// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the kernels that reduce along rows (softmax, cross-entropy), and its rules. A group of lanes shares a
// row: a warp, a whole block, or the only lane of a block on the CPU. A pass is one loop over the elements of a row:
// in softmax, the first passes compute maximum and sum, the last pass computes the results. A pack is the elements of
// one access.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/error.hpp>

namespace tilery::inline TILERY_ABI {

/// How a row kernel cuts a matrix.
struct row_policy {
  int threads = 128;     // threads of a block
  int lanes_a_row = 32;  // lanes that share a row: a warp, or the whole block; 1 on the CPU
  int rows = 4;          // rows of a block; on a GPU one for each group of lanes, on the CPU one after another
  int vector = 4;        // elements of one access; 1 serves any strides and alignment
  int held = 4;   // packs that a lane keeps between the passes (on a GPU in registers); 0: each pass reads memory
  int ahead = 1;  // if held is 0: packs that a lane loads before it uses the first one, so its loads in flight
  bool hardware_exp = false;  // compute e^x in float by the GPU's own instruction (math::hardware_exp)
  arch lowest = arch::sm_75;  // the first arch that the kernel is compiled for
  // The instruction set that this translation unit is compiled for. It makes the CPU's kernels of units with different
  // instruction sets different types, so that the linker does not merge their code.
  host_isa isa = native_isa;
  friend constexpr bool operator==(const row_policy&, const row_policy&) = default;

  /// Returns the number of elements of the longest row that a group of lanes can keep between the passes.
  constexpr int capacity() const { return lanes_a_row * vector * held; }
  constexpr int warps() const { return threads / 32; }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const row_policy& p, when_broken how = when_broken::say) {
  if (p.vector < 1 || (p.vector & (p.vector - 1)))
    return broken("row_policy.vector must be a power of two, because an access is one pack", how);
  if (p.held < 0 || p.rows < 1) return broken("row_policy.held must not be negative, and rows at least 1", how);
  if (p.ahead < 1)
    return broken("row_policy.ahead must be at least 1, because a lane reads a pack before it uses it", how);
  if (p.lowest == arch::cpu) {
    if (p.threads != 1 || p.lanes_a_row != 1)
      return broken("row_policy.threads and lanes_a_row must be 1 on the CPU, because its blocks have one lane", how);
    return nullptr;
  }
  if (p.threads < 32 || p.threads % 32 || p.threads > 1024)
    return broken("row_policy.threads must be a multiple of 32, from 32 to 1024", how);
  if (p.vector > 16)
    return broken("row_policy.vector must be at most 16, because the unaligned ends of a row are accessed by one lane for each element", how);
  if (p.lanes_a_row != 32 && p.lanes_a_row != p.threads)
    return broken("row_policy.lanes_a_row must be 32 or threads, because a row belongs to a warp or to a block", how);
  if (p.rows != p.threads / p.lanes_a_row)
    return broken("row_policy.rows must be threads / lanes_a_row, because each group of lanes has one row", how);
  return nullptr;
}
// clang-format on

/// The facts about a problem from which a row kernel's selector chooses a policy.
struct row_problem {
  int rows = 0, columns = 0;
  int vector = 1;           // elements of the widest pack whose aligned addresses are at the same columns in all
                            // operands (widest_pack_alike() in alignment.hpp)
  bool contiguous = false;  // true if the columns of every operand are contiguous
};

/// Returns null if the policy can run the problem, otherwise the reason.
constexpr const char* misfit(const row_policy& p, const row_problem& problem) {
  if (p.lowest == arch::cpu) {
    if (p.vector > 1 && !problem.contiguous)
      return "the columns of an operand are not contiguous; vector = 1 serves them";
  } else if (p.vector > problem.vector)
    return "the operands' rows must have packs at the same columns: columns must be contiguous, and pointers and row "
           "strides must differ by multiples of `vector` elements; vector = 1 serves all";
  if (p.held && problem.columns > p.capacity())
    return "a row is longer than the lanes' registers can hold; held = 0 serves every length";
  return nullptr;
}

}  // namespace tilery::inline TILERY_ABI
