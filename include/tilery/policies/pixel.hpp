// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the kernels that compute each pixel of a tensor from a few pixels of another tensor (pooling,
// upsampling, padding), and its rules. Memory bandwidth bounds these kernels on every machine.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/error.hpp>

namespace tilery::inline TILERY_ABI {

/// The sizes of the pieces into which a pixel kernel cuts its output. On a GPU each lane computes one pack of channels
/// of one pixel. On the CPU a block is a part of a row of pixels.
struct pixel_policy {
  int threads = 256;          // threads of a block
  int vector = 4;             // channels of one access; 1 serves any strides and alignment
  int packs = 1;              // packs of a pixel that a lane computes at once
  int pixels = 1;             // on the CPU: pixels of a block; 1 on a GPU, whose blocks have `threads` packs
  arch lowest = arch::sm_75;  // the first arch that the kernel is compiled for
  host_isa isa = native_isa;  // the CPU's kernels of units with different instruction sets are different types
  friend constexpr bool operator==(const pixel_policy&, const pixel_policy&) = default;
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const pixel_policy& p, when_broken how = when_broken::say) {
  if (p.vector < 1 || (p.vector & (p.vector - 1)))
    return broken("pixel_policy.vector must be a power of two, because an access is one pack", how);
  if (p.packs < 1 || p.pixels < 1) return broken("pixel_policy.packs and pixels must be at least 1", how);
  if (p.lowest == arch::cpu) {
    if (p.threads != 1) return broken("pixel_policy.threads must be 1 on the CPU, because its blocks have one lane", how);
    return nullptr;
  }
  if (p.threads < 32 || p.threads % 32 || p.threads > 1024)
    return broken("pixel_policy.threads must be a multiple of 32, from 32 to 1024", how);
  if (p.packs != 1 || p.pixels != 1)
    return broken("pixel_policy.packs and pixels must be 1 on a GPU, because a lane computes one pack", how);
  return nullptr;
}
// clang-format on

/// The facts about the tensors from which a selector chooses a policy.
struct pixel_problem {
  int vector = 1;           // channels of the widest pack for which all operands are aligned and consist of whole packs
  bool contiguous = false;  // true if the channels of all operands are contiguous
};

}  // namespace tilery::inline TILERY_ABI
