// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the CPU's convolution kernels and its rules. The policy says which piece of the problem stays in which
// memory: the sums of a register tile in vector registers, a strip of pixels with all their taps in the L2 cache.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/error.hpp>
#include <tilery/policies/conv_problem.hpp>

namespace tilery::inline TILERY_ABI {

/// The sizes of the pieces into which `conv_cpu` and `conv_cpu_weight_gradient` cut a problem. A register tile is
/// `rows` rows by `vectors` vector registers of filters (of channels in a data gradient). Its rows are pixels of the
/// output; in a weight gradient they are taps and channels. The defaults are for float and AVX-512.
struct conv_cpu_policy {
  int rows = 14;           // rows of the register tile; even, because the kernels round the rows of a tile up to even
  int vectors = 2;         // columns of the register tile, in vector registers
  int steps = 1024;        // most products that are added up in registers before they are added to a sum in memory
  int channel_block = 64;  // most channels of a block of a strip: few, so that neighbouring pixels use all cache sets
  int strip_bytes = 192 << 10;   // bytes of a strip, so that it stays in the L2 cache beside a panel of the filter
  int filter_bytes = 512 << 10;  // a filter that is larger, and larger than all strips, is packed by each share
  int stream_bytes = 8 << 20;    // outputs of at least so many bytes are written past the caches (streaming stores)
  int pixels = 512;              // pixels of a strip in a weight gradient; at most `steps`
  host_isa isa = native_isa;     // the instruction set, and so the vector registers, that the kernel may use
  friend constexpr bool operator==(const conv_cpu_policy&, const conv_cpu_policy&) = default;

  /// Returns the number of elements of the accumulation type in a vector register.
  constexpr int lanes(int accumulator_bytes) const { return vector_bytes(isa) / accumulator_bytes; }
  /// Returns the number of columns of the register tile.
  constexpr int columns(int accumulator_bytes) const { return vectors * lanes(accumulator_bytes); }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const conv_cpu_policy& p, [[maybe_unused]] int accumulator_bytes, when_broken how = when_broken::say) {
  if (p.rows < 1 || p.vectors < 1 || p.steps < 1 || p.channel_block < 1 || p.strip_bytes < 1 || p.filter_bytes < 0 || p.stream_bytes < 0 || p.pixels < 1)
    return broken("conv_cpu_policy: rows, vectors, steps, channel_block, strip_bytes and pixels must be positive, filter_bytes and stream_bytes not negative", how);
  if (p.rows % 2 != 0)
    return broken("conv_cpu_policy.rows must be even, because the kernels round the rows of a tile up to an even number", how);
  if (static_cast<int>(p.isa) > static_cast<int>(native_isa))
    return broken("conv_cpu_policy.isa must not be wider than the instructions that this unit is compiled for; link tilery::native", how);
  // Registers: the tile's accumulators, one row of the filter, and one broadcast element of a pixel.
  if (p.rows * p.vectors + p.vectors + 1 > (p.isa == host_isa::avx512 ? 32 : 16))
    return broken("conv_cpu_policy: rows * vectors + vectors + 1 must be at most the vector registers of its isa (32 with AVX-512, else 16), because the sums stay in registers", how);
  if (p.pixels > p.steps)
    return broken("conv_cpu_policy.pixels must be at most steps, because a weight gradient adds up a strip's pixels in registers", how);
  return nullptr;
}
// clang-format on

/// The policy in words.
inline sentence describe(const conv_cpu_policy& p) {
  const sentence tile(p.rows, " rows x ", p.vectors, " vectors of ", vector_bytes(p.isa), " bytes");
  return {"conv_cpu with register tiles of ", tile, ", strips of at most ", p.strip_bytes >> 10, " KiB"};
}

/// Returns null if the policy can run the problem, otherwise the reason. Every shape, stride and alignment is allowed.
constexpr const char* misfit(const conv_cpu_policy&, const conv_problem& problem) {
  return problem.target == arch::cpu ? nullptr : "a conv_cpu_policy runs on the cpu executor only";
}

}  // namespace tilery::inline TILERY_ABI
