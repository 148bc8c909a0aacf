// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policies of the depthwise convolution's kernels, and their rules. In a depthwise convolution each channel has
// filters of its own, so a GEMM of one channel would waste the tensor cores: a lane computes several channels of a
// strip, neighbouring pixels of a row, and reads each pixel of the strip once for a row of taps.
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>
#include <tilery/policies/conv_problem.hpp>

namespace tilery::inline TILERY_ABI {

/// How the kernel of the forward pass and of the data gradient cuts the pixels that it writes. A block computes
/// channels() channels of threads / channel_lanes * strips strips. Strips are numbered along the height of a band of
/// `rows` rows first: the lanes of a block then share the rows of the input that their taps reach.
///
/// With tap_rows (on the CPU only), a lane keeps whole filters in registers and computes blocks of rows x strip units
/// (tile/depthwise_units.hpp) along a band: one output pixel of a forward pass is a unit, and stride x stride output
/// pixels of a data gradient.
struct depthwise_policy {
  int threads = 128;          // threads of a block
  int channel_lanes = 8;      // lanes that are neighbours along the channels
  int vector = 4;             // channels of one access (a pack); 1 serves any strides and alignment
  int packs = 1;              // packs that a lane computes in each strip; more than 1 on the CPU only
  int width = 0;              // taps along the width, if they are neighbouring pixels; 0: any number, stride, dilation
  int strip = 7;              // pixels of a strip
  int rows = 8;               // rows of a band
  int strips = 8;             // strips that a lane computes
  int staged_taps = 64;       // taps of the largest filter that a GPU's block copies to shared memory
  int tap_rows = 0;           // rows of taps, equal to width: the CPU's kernel for square filters; 0: any number
  int stride = 1;             // along the height and the width, with tap_rows only
  arch lowest = arch::sm_75;  // the first arch that the kernel is compiled for
  // The instruction set that this translation unit is compiled for. It makes the CPU's kernels of units with different
  // instruction sets different types, so that the linker does not merge their code.
  host_isa isa = native_isa;
  friend constexpr bool operator==(const depthwise_policy&, const depthwise_policy&) = default;

  /// Channels of a block.
  constexpr int channels() const { return channel_lanes * vector * packs; }
  /// Strips of a block.
  constexpr int block_strips() const { return threads / channel_lanes * strips; }
  /// Elements from one tap to the next in shared memory. One pack more than the channels: the taps of a channel, which
  /// neighbouring lanes store, are then in different banks.
  constexpr int tap_pitch() const { return channels() + vector; }
  /// Bytes of shared memory for elements of `element_bytes` bytes; a CPU's block uses none.
  constexpr int shared_bytes(int element_bytes) const {
    return lowest == arch::cpu ? 0 : (staged_taps * tap_pitch() * element_bytes + 15) / 16 * 16;
  }
};

/// How the weight gradient's kernel cuts its sums. A lane keeps the sums of tap_rows x width taps of a pack of
/// channels, and adds the products of its strips. The blocks' sums are added in a fixed order.
///
/// With a stride (on the CPU only), the filter has tap_rows x width taps, as many rows as columns, and a lane goes
/// along a band of rows by blocks of rows x strip pixels.
struct depthwise_weight_policy {
  int threads = 128;          // threads of a block
  int channel_lanes = 8;      // lanes that are neighbours along the channels
  int vector = 4;             // channels of one access (a pack); 1 serves any strides and alignment
  int packs = 1;              // packs of a block; more than 1 on the CPU only
  int width = 3;              // taps along the width; more are further pieces of work, fewer leave sums unused
  int tap_rows = 3;           // rows of taps; the same holds
  int strip = 4;              // pixels of a strip, whose gradients a lane keeps in registers
  int rows = 8;               // rows of a band, as in depthwise_policy
  int strips = 8;             // the fewest strips of a lane, if there are as many
  int stride = 0;             // along the height and the width: the CPU's kernel for square filters; 0: any stride
  arch lowest = arch::sm_75;  // the first arch that the kernel is compiled for
  host_isa isa = native_isa;  // as in depthwise_policy
  friend constexpr bool operator==(const depthwise_weight_policy&, const depthwise_weight_policy&) = default;

  constexpr int channels() const { return channel_lanes * vector * packs; }
  constexpr int pixel_lanes() const { return threads / channel_lanes; }
  constexpr int taps() const { return tap_rows * width; }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const depthwise_policy& p, when_broken how = when_broken::say) {
  if (p.vector < 1 || (p.vector & (p.vector - 1)))
    return broken("depthwise_policy.vector must be a power of two, because an access is one pack", how);
  if (p.packs < 1 || p.rows < 1 || p.strips < 1)
    return broken("depthwise_policy.packs, rows and strips must be at least 1", how);
  if (p.width < 0 || p.width > 8)
    return broken("depthwise_policy.width must be 0 to 8, because a lane keeps a row of taps in registers", how);
  if (p.strip < 1 || p.strip > 16)
    return broken("depthwise_policy.strip must be 1 to 16, because a lane keeps its sums in registers", how);
  if (p.staged_taps < 0) return broken("depthwise_policy.staged_taps must not be negative", how);
  if (p.tap_rows != 0 && p.lowest != arch::cpu)
    return broken("depthwise_policy.tap_rows must be 0 on a GPU, because the kernel for square filters is the CPU's", how);
  if (p.tap_rows != 0 && (p.tap_rows != p.width || p.width % 2 == 0))
    return broken("depthwise_policy.tap_rows must be 0, or equal to width and odd, because the kernel's filters are square", how);
  if (p.stride < 1 || p.stride > 2 || (p.tap_rows == 0 && p.stride != 1))
    return broken("depthwise_policy.stride must be 1, or 2 with tap_rows, because the kernel is compiled for its stride", how);
  if (p.tap_rows > 0 && p.rows > 4) return broken("depthwise_policy.rows must be at most 4 with tap_rows, because a lane keeps its sums in registers", how);
  if (p.lowest == arch::cpu) {
    if (p.threads != 1 || p.channel_lanes != 1)
      return broken("depthwise_policy.threads and channel_lanes must be 1 on the CPU, because its blocks have one lane", how);
    return nullptr;
  }
  if (p.threads < 32 || p.threads % 32 || p.threads > 1024)
    return broken("depthwise_policy.threads must be a multiple of 32, from 32 to 1024", how);
  if (p.channel_lanes < 1 || 32 % p.channel_lanes)
    return broken("depthwise_policy.channel_lanes must divide 32, because a warp has whole rows of lanes", how);
  if (p.vector > 8) return broken("depthwise_policy.vector must be at most 8 on a GPU, whose accesses have 16 bytes", how);
  if (p.packs != 1) return broken("depthwise_policy.packs must be 1 on a GPU, because each pack of channels has a lane", how);
  return nullptr;
}
constexpr const char* broken_rule(const depthwise_weight_policy& p, when_broken how = when_broken::say) {
  if (p.vector < 1 || (p.vector & (p.vector - 1)))
    return broken("depthwise_weight_policy.vector must be a power of two, because an access is one pack", how);
  if (p.packs < 1 || p.rows < 1 || p.strips < 1)
    return broken("depthwise_weight_policy.packs, rows and strips must be at least 1", how);
  if (p.width < 1 || p.tap_rows < 1 || p.taps() > 64)
    return broken("depthwise_weight_policy.width and tap_rows must be at least 1, and their product at most 64, because a lane keeps the sums of these taps in registers", how);
  if (p.strip < 1 || p.strip > 16)
    return broken("depthwise_weight_policy.strip must be 1 to 16, because a lane keeps its pixels in registers", how);
  if (p.stride < 0 || p.stride > 2 || (p.stride > 0 && p.lowest != arch::cpu))
    return broken("depthwise_weight_policy.stride must be 0, or 1 or 2 on the CPU, which has a kernel for square filters", how);
  if (p.stride > 0 && (p.tap_rows != p.width || p.rows > 4))
    return broken("depthwise_weight_policy.tap_rows must be equal to width with a stride, and rows at most 4, because the kernel keeps square filters and blocks of pixels in registers", how);
  if (p.lowest == arch::cpu) {
    if (p.threads != 1 || p.channel_lanes != 1)
      return broken("depthwise_weight_policy.threads and channel_lanes must be 1 on the CPU, because its blocks have one lane", how);
    return nullptr;
  }
  if (p.threads < 32 || p.threads % 32 || p.threads > 1024)
    return broken("depthwise_weight_policy.threads must be a multiple of 32, from 32 to 1024", how);
  if (p.channel_lanes < 1 || 32 % p.channel_lanes)
    return broken("depthwise_weight_policy.channel_lanes must divide 32, because a warp has whole rows of lanes", how);
  if (p.vector > 8) return broken("depthwise_weight_policy.vector must be at most 8 on a GPU, whose accesses have 16 bytes", how);
  if (p.packs != 1) return broken("depthwise_weight_policy.packs must be 1 on a GPU, because each pack of channels has a lane", how);
  return nullptr;
}
// clang-format on

/// Returns the policy in words.
inline sentence describe(const depthwise_policy& p) {
  if (p.tap_rows > 0)
    return {sentence("a depthwise kernel for ", p.tap_rows, " x ", p.width, " taps and a stride of ", p.stride, ", "),
            sentence("blocks of ", p.rows, " x ", p.strip, " pixels x ", p.vector, " channels, "),
            sentence(p.channels(), " channels a share")};
  return {sentence("a depthwise kernel, strips of ", p.strip, " pixels x ", p.vector, " channels a lane, "),
          sentence(p.channels(), " channels and ", p.block_strips(), " strips a block of ", p.threads),
          p.threads == 1 ? " thread" : " threads"};
}
inline sentence describe(const depthwise_weight_policy& p) {
  return {sentence("a depthwise weight gradient kernel, ", p.tap_rows, " x ", p.width, " taps x "),
          sentence(p.vector, " channels a lane, ", p.channels(), " channels a block of ", p.threads),
          p.threads == 1 ? " thread" : " threads"};
}

/// The facts about a depthwise convolution from which a selector chooses.
struct depthwise_problem {
  conv_direction direction = conv_direction::forward;
  int taps = 1;                   // along the width
  int square = 0;                 // the taps, if they are neighbours in a square of a plane; otherwise 0
  int stride = 0;                 // along the height and the width, if it is the same; otherwise 0
  bool neighbours = true;         // if neighbouring taps and neighbouring pixels of the output read neighbouring pixels
  int multiplier = 1;             // filters of a channel
  int vector = 1;                 // channels of the widest pack that is whole and aligned in all images
  bool contiguous = false;        // if the channels of all images are contiguous
  const char* why_not = nullptr;  // if not null: the reason why no depthwise kernel serves the convolution
  arch target = arch::sm_75;
};

/// Returns the reason why packs of `vector` channels do not serve a problem; null if they do. `on_cpu` is true for
/// kernels of the CPU, which need no alignment.
constexpr const char* why_single_channels(const depthwise_problem& p, int vector, bool on_cpu) {
  if (vector == 1) return nullptr;
  if (p.multiplier != 1) return "a channel has several filters: packs of x and y would not have the same channels";
  if (!p.contiguous) return "the channels of the images are not contiguous; vector = 1 serves them";
  if (!on_cpu && p.vector < vector)
    return "the channels of the images are not whole packs at aligned addresses; vector = 1 serves them";
  return nullptr;
}

/// Returns null if the policy can run the problem, otherwise the reason.
constexpr const char* misfit(const depthwise_policy& p, const depthwise_problem& problem) {
  if (problem.why_not) return problem.why_not;
  if ((p.lowest == arch::cpu) != (problem.target == arch::cpu))
    return "a policy with lowest = arch::cpu runs on the CPU, and no other one does";
  if (problem.direction == conv_direction::weight_gradient) return "a weight gradient needs a depthwise_weight_policy";
  if (p.tap_rows > 0 && (problem.square != p.tap_rows || problem.stride != p.stride))
    return "tap_rows and stride must be those of a square filter of neighbouring taps; tap_rows = 0 serves all";
  if (p.tap_rows == 0 && p.width > 0 && (!problem.neighbours || problem.taps != p.width))
    return "width must be the filter's taps along the width, with a stride and a dilation of 1; width = 0 serves all";
  return why_single_channels(problem, p.vector, p.lowest == arch::cpu);
}
constexpr const char* misfit(const depthwise_weight_policy& p, const depthwise_problem& problem) {
  if (problem.why_not) return problem.why_not;
  if ((p.lowest == arch::cpu) != (problem.target == arch::cpu))
    return "a policy with lowest = arch::cpu runs on the CPU, and no other one does";
  if (problem.direction != conv_direction::weight_gradient)
    return "only a weight gradient takes a depthwise_weight_policy";
  if (p.stride > 0 && (problem.square != p.width || problem.stride != p.stride))
    return "width and stride must be those of a square filter of neighbouring taps; stride = 0 serves all";
  return why_single_channels(problem, p.vector, p.lowest == arch::cpu);
}

}  // namespace tilery::inline TILERY_ABI
