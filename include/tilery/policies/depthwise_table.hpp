// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of the depthwise convolution's kernels, for GPUs and for the CPU: by element type and arch, with their
// evidence, and the selectors. To tune an arch, add a row (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/depthwise.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// Indices of candidates in a row's list: filters of 3, 5 and 7 taps along the width, any filter, any strides.
struct depthwise_places {
  static constexpr int three = 0, five = 1, seven = 2, any = 3, single = 4;
  // The CPU's square filters: 3 x 3 with a stride of 1, and of 2, and 7 x 7.
  static constexpr int square_three = 5, halving_three = 6, square_seven = 7;
};

/// A row of the tables of the forward pass and of the data gradient.
struct depthwise_row {
  arch from;
  int threads;     // threads of a block
  int bytes_side;  // bytes of the channels that a block's lanes have side by side, GPUs only
  int packs;       // packs of a lane, the CPU only
  int wide_packs;  // the same for 7 taps, whose filters fill the L1 cache
  int strip;       // pixels of a strip
  int wide_strip;  // the same for 7 taps: more taps reuse the pixels that a lane has loaded
  int rows;        // rows of a band
  int strips;      // strips of a lane
  evidence measured;
};

// A strip of 7 pixels divides the widths of common networks: 112, 56, 28, 14 and 7. With 16-bit elements a lane has 8
// channels, so a strip of 4 needs the registers of 7 pixels of float (with 3 taps some 120). 7 taps of 16-bit elements
// are bound by arithmetic, and a longer strip reads each tap less often from shared memory. On sm_100 and sm_120
// nvcc 13.0 needs some 50 registers more than on sm_90 for the same kernel: there a strip of 7 pixels and 7 taps would
// spill.
inline constexpr depthwise_row depthwise_wide_rows[] = {
    {.from = arch::sm_75,
     .threads = 128,
     .bytes_side = 128,
     .packs = 1,
     .wide_packs = 1,
     .strip = 7,
     .wide_strip = 7,
     .rows = 8,
     .strips = 8,
     .measured = not_measured("computed from registers and from bytes in the L1 cache")},
};
inline constexpr depthwise_row depthwise_16_bit_rows[] = {
    {.from = arch::sm_75,
     .threads = 128,
     .bytes_side = 64,
     .packs = 1,
     .wide_packs = 1,
     .strip = 4,
     .wide_strip = 7,
     .rows = 8,
     .strips = 8,
     .measured = not_measured("computed from registers and from bytes in the L1 cache")},
    {.from = arch::sm_100,
     .threads = 128,
     .bytes_side = 64,
     .packs = 1,
     .wide_packs = 1,
     .strip = 4,
     .wide_strip = 4,
     .rows = 8,
     .strips = 8,
     .measured = not_measured("sm_75's row with shorter strips for 7 taps, which do not spill")},
};
inline constexpr depthwise_row depthwise_cpu_rows[] = {
    {.from = arch::cpu,
     .threads = 1,
     .bytes_side = 0,
     .packs = 16,
     .wide_packs = 4,
     .strip = 7,
     .wide_strip = 7,
     .rows = 1,
     .strips = 8,
     .measured = {.machine = "AMD EPYC (Zen 4, AVX-512), 1 thread",
                  .when = "g++ 12.2, 2026-12-01",
                  .command = "benchmarks/peers/conv_depthwise.py",
                  .figure = "before the kernels for square filters: PyTorch 2.15.0 takes 1.27 times as long for 3x3 "
                            "forward, 1.34 times for 7x7"}},
};

/// Selects from the candidates of a row of either table of the forward pass and the data gradient.
template <int Size>
constexpr choice select_depthwise(const depthwise_policy (&candidates)[Size], const depthwise_problem& p, bool on_cpu) {
  using at = depthwise_places;
  if (const char* why = why_single_channels(p, candidates[at::any].vector, on_cpu)) return {at::single, why};
  for (int place = at::square_three; place < Size; ++place)
    if (p.square == candidates[place].tap_rows && p.stride == candidates[place].stride)
      return {place, "a small square filter: it stays in registers along a band of rows"};
  if (!p.neighbours) return {at::any, "a stride or a dilation along the width: each tap loads its pixels"};
  if (p.taps == 3) return {at::three, "3 taps along the width: each pixel is loaded once for them"};
  if (p.taps == 5) return {at::five, "5 taps along the width: each pixel is loaded once for them"};
  if (p.taps == 7) return {at::seven, "7 taps along the width: each pixel is loaded once for them"};
  return {at::any, "a number of taps along the width without a kernel of its own: each tap loads its pixels"};
}

/// Rows, candidates and selector on a GPU, for elements of T.
template <class T>
struct depthwise_rows_gpu {
  static constexpr const auto& rows = []() -> const auto& {
    if constexpr (sizeof(T) == 2)
      return depthwise_16_bit_rows;
    else
      return depthwise_wide_rows;
  }
  ();
  static constexpr int vector = static_cast<int>(16 / sizeof(T));

  static constexpr depthwise_policy with(const depthwise_row& row, int elements, int width) {
    return {.threads = row.threads,
            .channel_lanes = elements == 1 ? 32 : row.bytes_side / 16,
            .vector = elements,
            .packs = 1,
            .width = width,
            .strip = width == 7 ? row.wide_strip : row.strip,
            .rows = row.rows,
            .strips = row.strips};
  }
  static constexpr candidate_list<depthwise_policy, 5> candidates(const depthwise_row& row) {
    return {{with(row, vector, 3), with(row, vector, 5), with(row, vector, 7), with(row, vector, 0), with(row, 1, 0)}};
  }
  static constexpr choice select(const depthwise_row&, const depthwise_policy (&candidates)[5],
                                 const depthwise_problem& p) {
    return select_depthwise(candidates, p, false);
  }
};

/// Rows, candidates and selector on the CPU: a pack has as many elements as a vector register has of the accumulation
/// type.
template <class T>
struct depthwise_rows_cpu {
  static constexpr const auto& rows = depthwise_cpu_rows;
  static constexpr int vector = static_cast<int>(vector_bytes() / sizeof(accumulator_t<T>));

  static constexpr depthwise_policy with(const depthwise_row& row, int elements, int width) {
    return {.threads = row.threads,
            .channel_lanes = 1,
            .vector = elements,
            .packs = width == 7 ? row.wide_packs : row.packs,
            .width = width,
            .strip = width == 7 ? row.wide_strip : row.strip,
            .rows = row.rows,
            .strips = row.strips};
  }
  // 3 x 3: blocks of 2 x 2 units have 4 sums (16 in a data gradient with a stride of 2) beside the filter's 9 vectors.
  // 7 x 7: 7 sums and a row of 7 taps. AVX2 has 16 registers, so there both have half the sums: blocks of one row.
  static constexpr depthwise_policy square(const depthwise_row& row, int taps, int stride) {
    return {.threads = row.threads,
            .channel_lanes = 1,
            .vector = vector,
            .packs = row.packs,
            .width = taps,
            .strip = taps == 7 ? row.wide_strip : 2,
            .rows = vector_bytes() < 64 && (taps == 7 || stride == 2) ? 1 : 2,
            .tap_rows = taps,
            .stride = stride};
  }
  static constexpr candidate_list<depthwise_policy, 8> candidates(const depthwise_row& row) {
    return {{with(row, vector, 3), with(row, vector, 5), with(row, vector, 7), with(row, vector, 0), with(row, 1, 0),
             square(row, 3, 1), square(row, 3, 2), square(row, 7, 1)}};
  }
  static constexpr choice select(const depthwise_row&, const depthwise_policy (&candidates)[8],
                                 const depthwise_problem& p) {
    return select_depthwise(candidates, p, true);
  }
};

/// A row of the tables of the weight gradient.
struct depthwise_weight_row {
  arch from;
  int threads;        // threads of a block
  int sum_registers;  // the most registers of a lane's sums, GPUs only
  int packs;          // packs of a block, the CPU only
  int tap_rows[3];    // rows of taps of a lane, for 3, 5 and 7 taps along the width
  int strip;          // pixels of a strip
  int rows;           // rows of a band
  int strips;         // the fewest strips of a lane
  evidence measured;
};

// A GPU's lane has all rows of a filter, so that each pixel is read once: 9, 25 or 49 sums for each of its channels.
// With more rows of taps than these, further blocks read the pixels again.
inline constexpr depthwise_weight_row depthwise_weight_gpu_rows[] = {
    {.from = arch::sm_75,
     .threads = 128,
     .sum_registers = 100,
     .packs = 1,
     .tap_rows = {3, 5, 7},
     .strip = 4,
     .rows = 8,
     .strips = 8,
     .measured = not_measured("computed from registers")},
};
inline constexpr depthwise_weight_row depthwise_weight_cpu_rows[] = {
    {.from = arch::cpu,
     .threads = 1,
     .sum_registers = 0,
     .packs = 16,
     .tap_rows = {3, 2, 1},
     .strip = 7,
     .rows = 1,
     .strips = 64,
     .measured = {.machine = "AMD EPYC (Zen 4, AVX-512), 1 thread",
                  .when = "g++ 12.2, 2026-12-01",
                  .command = "benchmarks/peers/conv_depthwise.py",
                  .figure = "before the kernels for square filters: PyTorch 2.15.0 takes 1.39 times as long for 3x3, "
                            "10.5 times for 7x7"}},
};

/// Selects from the candidates of a row of either table of the weight gradient.
template <int Size>
constexpr choice select_depthwise(const depthwise_weight_policy (&candidates)[Size], const depthwise_problem& p,
                                  bool on_cpu) {
  using at = depthwise_places;
  for (int place = at::square_three; place < Size; ++place)
    if (p.square == candidates[place].width && p.stride == candidates[place].stride &&
        !why_single_channels(p, candidates[place].vector, on_cpu))
      return {place, "a small square filter: its sums stay in registers along a band of rows"};
  constexpr int places[] = {at::three, at::five, at::seven};
  for (const int place : places)
    if (p.taps == candidates[place].width) {
      if (const char* why = why_single_channels(p, candidates[place].vector, on_cpu)) return {at::single, why};
      return {place, "3, 5 or 7 taps along the width: a lane keeps the sums of whole rows of taps"};
    }
  if (const char* why = why_single_channels(p, candidates[at::any].vector, on_cpu)) return {at::single, why};
  return {at::any, "a number of taps along the width without a kernel of its own: 4 taps at a time"};
}

/// Rows, candidates and selector on a GPU, for elements of T.
template <class T>
struct depthwise_weight_rows_gpu {
  static constexpr const auto& rows = depthwise_weight_gpu_rows;

  static constexpr depthwise_weight_policy with(const depthwise_weight_row& row, int width, int tap_rows, bool single) {
    int vector = single ? 1 : static_cast<int>(16 / sizeof(T));
    const int registers = width * tap_rows * static_cast<int>(sizeof(accumulator_t<T>) / 4);
    while (vector > 1 && vector * registers > row.sum_registers) vector /= 2;
    const int lanes = 32 / vector;
    return {.threads = row.threads,
            .channel_lanes = lanes < 4 ? 4 : lanes,
            .vector = vector,
            .packs = 1,
            .width = width,
            .tap_rows = tap_rows,
            .strip = row.strip,
            .rows = row.rows,
            .strips = row.strips};
  }
  static constexpr candidate_list<depthwise_weight_policy, 5> candidates(const depthwise_weight_row& row) {
    return {{with(row, 3, row.tap_rows[0], false), with(row, 5, row.tap_rows[1], false),
             with(row, 7, row.tap_rows[2], false), with(row, 4, 1, false), with(row, 4, 1, true)}};
  }
  static constexpr choice select(const depthwise_weight_row&, const depthwise_weight_policy (&candidates)[5],
                                 const depthwise_problem& p) {
    return select_depthwise(candidates, p, false);
  }
};

/// Rows, candidates and selector on the CPU.
template <class T>
struct depthwise_weight_rows_cpu {
  static constexpr const auto& rows = depthwise_weight_cpu_rows;
  static constexpr int vector = static_cast<int>(vector_bytes() / sizeof(accumulator_t<T>));

  static constexpr depthwise_weight_policy with(const depthwise_weight_row& row, int width, int tap_rows,
                                                int elements) {
    return {.threads = row.threads,
            .channel_lanes = 1,
            .vector = elements,
            .packs = row.packs,
            .width = width,
            .tap_rows = tap_rows,
            .strip = row.strip,
            .rows = row.rows,
            .strips = row.strips};
  }
  // 3 x 3: 9 sums and the 2 x 2 pixels of dy of a block stay in registers.
  static constexpr depthwise_weight_policy square(const depthwise_weight_row& row, int taps, int stride) {
    return {.threads = row.threads,
            .channel_lanes = 1,
            .vector = vector,
            .packs = row.packs,
            .width = taps,
            .tap_rows = taps,
            .strip = 2,
            .rows = 2,
            .strips = 2 * row.strips,
            .stride = stride};
  }
  static constexpr candidate_list<depthwise_weight_policy, 7> candidates(const depthwise_weight_row& row) {
    return {{with(row, 3, row.tap_rows[0], vector), with(row, 5, row.tap_rows[1], vector),
             with(row, 7, row.tap_rows[2], vector), with(row, 4, 1, vector), with(row, 4, 1, 1), square(row, 3, 1),
             square(row, 3, 2)}};
  }
  static constexpr choice select(const depthwise_weight_row&, const depthwise_weight_policy (&candidates)[7],
                                 const depthwise_problem& p) {
    return select_depthwise(candidates, p, true);
  }
};

template <class T>
struct depthwise_table_gpu : policy_table<depthwise_rows_gpu<T>>, depthwise_places {};
template <class T>
struct depthwise_table_cpu : policy_table<depthwise_rows_cpu<T>>, depthwise_places {};
template <class T>
struct depthwise_weight_table_gpu : policy_table<depthwise_weight_rows_gpu<T>>, depthwise_places {};
template <class T>
struct depthwise_weight_table_cpu : policy_table<depthwise_weight_rows_cpu<T>>, depthwise_places {};

}  // namespace tilery::inline TILERY_ABI
