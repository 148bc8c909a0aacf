// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the global pooling kernel, and its rules. The kernel reduces all pixels of an image to one value for
// each channel.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/error.hpp>

namespace tilery::inline TILERY_ABI {

/// The sizes of the pieces into which the global pooling kernel cuts an image. A block reduces all pixels of channels()
/// channels.
struct global_pool_policy {
  int threads = 256;          // threads of a block
  int channel_lanes = 32;     // lanes with different channels; lanes with the same channels divide the pixels
  bool pixels_inner = false;  // true if neighbouring lanes read neighbouring pixels, false: neighbouring channels
  int vector = 4;             // channels of one access
  int packs = 1;              // packs of each pixel that one lane reduces
  arch lowest = arch::sm_75;  // the first arch that the kernel is compiled for
  host_isa isa = native_isa;  // the CPU's kernels of units with different instruction sets are different types
  friend constexpr bool operator==(const global_pool_policy&, const global_pool_policy&) = default;

  constexpr int channels() const { return channel_lanes * packs * vector; }
  constexpr int pixel_lanes() const { return threads / channel_lanes; }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const global_pool_policy& p, when_broken how = when_broken::say) {
  if (p.vector < 1 || (p.vector & (p.vector - 1)))
    return broken("global_pool_policy.vector must be a power of two, because an access is one pack", how);
  if (p.packs < 1) return broken("global_pool_policy.packs must be at least 1", how);
  if (p.lowest == arch::cpu) {
    if (p.threads != 1 || p.channel_lanes != 1)
      return broken("global_pool_policy.threads and channel_lanes must be 1 on the CPU", how);
    return nullptr;
  }
  if (p.threads < 32 || p.threads % 32 || p.threads > 1024)
    return broken("global_pool_policy.threads must be a multiple of 32, from 32 to 1024", how);
  if (p.channel_lanes < 1 || p.threads % p.channel_lanes)
    return broken("global_pool_policy.channel_lanes must divide threads", how);
  return nullptr;
}
// clang-format on

/// The facts about a tensor from which the selector chooses a policy.
struct global_pool_problem {
  int vector = 1;             // channels of the widest pack for which x is aligned and consists of whole packs
  bool contiguous = false;    // true if the channels of x are contiguous
  bool pixels_inner = false;  // true if the pixels of a channel have a smaller stride than the channels
  int channels = 0;           // of x
};

}  // namespace tilery::inline TILERY_ABI
