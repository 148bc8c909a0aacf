// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of the CPU's convolution kernels (conv_cpu, conv_cpu_weight_gradient): register tile and strips by the
// host's instruction set, with their evidence, and the selector. A translation unit uses the row of the instruction set
// that it is compiled for.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/conv_cpu.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of the table: the policy for one instruction set of the host.
struct conv_cpu_row {
  host_isa isa;
  arch from = arch::cpu;
  conv_cpu_policy policy;
  evidence measured;
};

// Register tile. Speed of multiply_runs (tile/cpu_run_tile.hpp) in GFLOP/s on 2 virtual CPUs of an EPYC of the Zen 4
// family, one thread, float, g++ 12 -O3 -march=native, 2026-11-30; a loop of multiply-adds in registers reaches 118.
// 3 runs of 192 steps, the filter in the L2 cache:
//
//   rows x vectors   14 x 2   28 x 1   12 x 2   8 x 3   8 x 2   7 x 4   6 x 4   14 x 1   4 x 2
//   GFLOP/s             114      110      117     118     118     118     118      106      60
//
// Of the tiles that reach at least 114, 14 x 2 reads the fewest bytes of the filter for each product: a vector of 64
// bytes serves 14 rows, 4.6 bytes a cycle from the L2 cache (8 x 2: 8 bytes). A row of ResNet's images of 112, 56 or 28
// pixels is cut into 8, 4 or 2 tiles of 14 pixels, without a rest. One vector of 16 filters (14 x 1) still has 14 sums
// in flight. One policy serves layers with 16, 32, 64 or more filters, so there is no selection.
//
// Whole layers. Processor time of PyTorch 2.15.0 (oneDNN; the faster of channels-last and contiguous) divided by that
// of tilery, same machine and date, one thread, other programs running beside it, the medians of 3 rounds; geometric
// means over the 11 layers of ResNet-50 that are no 1x1 of stride 1 (lowest to highest):
//
//   images           1                     8
//   forward          0.99 (0.91 to 1.09)   0.94 (0.91 to 1.01)
//   data gradient    1.12 (0.92 to 2.54)   1.05 (0.91 to 2.30)
//   weight gradient  1.16 (0.96 to 2.29)   1.08 (0.93 to 1.43)
//
// The gain of single fields, same machine and date, GFLOP/s, one thread:
//
//   filter_bytes   res5_b (7 x 7, 512 to 512 channels, 9 MiB of filter), 1 image, forward: packed once 64, by panels 75
//   stream_bytes   res3_shortcut, 8 images, data gradient (an output of 26 MB): usual stores 68, streaming 87;
//                  conv1, 8 images, forward (26 MB): 80 and 94
inline constexpr conv_cpu_row conv_cpu_avx512_on_zen_4 =
    {.isa = host_isa::avx512,
     .policy = {.rows = 14, .vectors = 2},
     .measured = {.machine = "EPYC of the Zen 4 family",
                  .when = "g++ 12 -O3 -march=native, 2026-11-30",
                  .command = "benchmarks/peers/conv.py --processor-time",
                  .figure = "float, one thread, ResNet-50: 0.94 to 1.16 of PyTorch 2.15.0, geometric means"}};

/// The row for an instruction set without AVX-512, which has 16 vector registers.
constexpr conv_cpu_row conv_cpu_narrow(host_isa isa) {
  conv_cpu_row row = conv_cpu_avx512_on_zen_4;
  row.isa = isa, row.policy.rows = 6, row.policy.isa = isa;
  row.measured = not_measured("the AVX-512 row, with the rows that 16 registers hold");
  return row;
}

/// The rows, one for each instruction set.
inline constexpr conv_cpu_row all_conv_cpu_rows[] = {
    conv_cpu_narrow(host_isa::baseline),
    conv_cpu_narrow(host_isa::avx2),
    conv_cpu_avx512_on_zen_4,
};

/// Returns the row of an instruction set.
constexpr const conv_cpu_row& conv_cpu_row_of(host_isa isa) {
  for (const conv_cpu_row& row : all_conv_cpu_rows)
    if (row.isa == isa) return row;
  return all_conv_cpu_rows[0];
}

/// Row, candidate and selector for elements of T.
template <class T>
struct conv_cpu_rows_of {
  static constexpr conv_cpu_row rows[1] = {conv_cpu_row_of(native_isa)};

  static constexpr candidate_list<conv_cpu_policy, 1> candidates(const conv_cpu_row& row) { return {{row.policy}}; }
  static constexpr choice select(const conv_cpu_row&, const conv_cpu_policy (&)[1], const conv_problem&) {
    return {0, "one register tile serves all shapes: the kernels themselves cut the work by shape"};
  }
};

/// The table of the CPU's convolution kernels for elements of T.
template <class T>
struct conv_cpu_table : policy_table<conv_cpu_rows_of<T>> {};

}  // namespace tilery::inline TILERY_ABI
