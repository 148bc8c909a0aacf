// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of the convolution kernels for few input channels: tiles by element type and arch, with their evidence,
// and the selectors. To tune an arch, add a row (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/conv_window.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// Images with more channels are left to the implicit GEMM: its tiles along k are then filled, and its loads have 16
/// bytes.
inline constexpr int most_window_channels = 7;

/// Indices of candidates in a row's list. A weight gradient has no `single`.
struct conv_window_places {
  static constexpr int wide = 0, narrow = 1, single = 2;
};

/// Fields of conv_window_policy (conv_window.hpp).
struct conv_window_cut {
  int pixels, filters, columns;
  tile_mn part;
  int window;
};

/// A row of a table.
struct conv_window_row {
  arch from;
  conv_window_cut wide, narrow;                // forward: for many filters and for few; `single` has narrow's tiles
  conv_window_cut weight_wide, weight_narrow;  // of the weight gradient, for many columns and for few
  evidence measured;
};

// Evidence. None of these tiles was measured on a GPU. What the kernels load, and their bank conflicts, is asserted on
// the virtual GPU (tests/kernels/conv_window_kernels_test.cpp).
//
// Capacity. The filter of ResNet's first layer, 7 x 7 taps of 3 channels (147 columns), and the window of a tile of 128
// pixels with a stride of 2 fit each of the wide tiles but double's; 7 x 7 taps of 4 channels (196 columns) fit those
// of tensor cores, and float's narrow one. Without tensor cores, shared memory is limited to the 64 KB of sm_75.
inline constexpr conv_window_row conv_window_simt_rows[] = {
    {.from = arch::sm_75,
     .wide = {128, 64, 160, {8, 8}, 3072},
     .narrow = {128, 32, 256, {8, 4}, 6144},
     .weight_wide = {128, 64, 160, {8, 4}, 4096},
     .weight_narrow = {128, 32, 32, {4, 4}, 4096},
     .measured = not_measured("estimated: windows that fit shared memory")},
};
inline constexpr conv_window_row conv_window_f64_rows[] = {
    {.from = arch::sm_75,
     .wide = {64, 32, 160, {4, 4}, 2048},
     .narrow = {64, 32, 160, {4, 4}, 2048},
     .weight_wide = {64, 32, 64, {4, 4}, 4096},
     .weight_narrow = {64, 32, 32, {4, 4}, 4096},
     .measured = not_measured("float's tiles, with fewer pixels and filters")},
};
// The sums of a wide tile leave through the window's shared memory: 9216 elements of 16 bits cost nothing more.
inline constexpr conv_window_row conv_window_16_bit_rows[] = {
    {.from = arch::sm_80,
     .wide = {128, 64, 224, {32, 64}, 9216},
     .narrow = {128, 32, 384, {32, 32}, 9216},
     .weight_wide = {128, 64, 160, {64, 40}, 8192},
     .weight_narrow = {128, 32, 32, {32, 16}, 8192},
     .measured = not_measured("estimated: windows that fit shared memory")},
};
inline constexpr conv_window_row conv_window_tf32_rows[] = {
    {.from = arch::sm_80,
     .wide = {128, 64, 200, {32, 64}, 4608},
     .narrow = {128, 32, 256, {32, 32}, 6144},
     .weight_wide = {128, 64, 160, {64, 40}, 4096},
     .weight_narrow = {128, 32, 32, {32, 16}, 4096},
     .measured = not_measured("the 16-bit tiles")},
};

/// The rows of T, with or without tensor cores.
template <class T, bool TensorCores>
constexpr const auto& conv_window_rows_of() {
  if constexpr (!TensorCores && sizeof(T) == 8)
    return conv_window_f64_rows;
  else if constexpr (!TensorCores)
    return conv_window_simt_rows;
  else if constexpr (sizeof(T) == 2)
    return conv_window_16_bit_rows;
  else
    return conv_window_tf32_rows;
}

/// Selects among the candidates of a row for a forward pass: wide, narrow, single. If no candidate serves the problem,
/// the result is one that does not.
constexpr choice select_window(const conv_window_policy (&candidates)[3], const conv_window_problem& q) {
  using at = conv_window_places;
  if (q.geometry.filters > candidates[at::narrow].filters && !misfit(candidates[at::wide], q))
    return {at::wide, "few channels: each pixel is loaded once for all taps"};
  if (q.c_vector < candidates[at::narrow].c_vector)
    return {at::single, "few channels; the channels of the output are not aligned for 16-byte stores"};
  return {at::narrow, "few channels and filters, or a large filter: a narrow tile"};
}
/// Selects among the candidates of a row for a weight gradient: wide, narrow.
constexpr choice select_window(const conv_window_policy (&candidates)[2], const conv_window_problem& q) {
  using at = conv_window_places;
  const conv_geometry& g = q.geometry;
  if (g.taps.volume() * g.channels > candidates[at::narrow].columns && !misfit(candidates[at::wide], q))
    return {at::wide, "few channels: each pixel is loaded once for all taps"};
  return {at::narrow, "few channels and taps: a narrow tile"};
}

/// Rows, candidates and selector for elements of T.
template <class T, conv_direction Direction, bool TensorCores>
struct conv_window_source {
  static constexpr const auto& rows = conv_window_rows_of<T, TensorCores>();

  static constexpr conv_window_policy with(const conv_window_cut& cut, bool single) {
    return {.pixels = cut.pixels,
            .filters = cut.filters,
            .columns = cut.columns,
            .part = cut.part,
            .tensor_cores = TensorCores,
            .window = cut.window,
            .c_vector = single           ? 1
                        : sizeof(T) == 8 ? 2
                                         : 4};
  }
  static constexpr auto candidates(const conv_window_row& row) {
    if constexpr (Direction == conv_direction::forward)
      return candidate_list<conv_window_policy, 3>{
          {with(row.wide, false), with(row.narrow, false), with(row.narrow, true)}};
    else
      return candidate_list<conv_window_policy, 2>{{with(row.weight_wide, false), with(row.weight_narrow, false)}};
  }
  template <int Size>
  static constexpr choice select(const conv_window_row&, const conv_window_policy (&list)[Size],
                                 const conv_window_problem& q) {
    return select_window(list, q);
  }
};

template <class T, conv_direction Direction, bool TensorCores>
struct conv_window_table : policy_table<conv_window_source<T, Direction, TensorCores>>, conv_window_places {};

}  // namespace tilery::inline TILERY_ABI
