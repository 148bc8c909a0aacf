// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs a convolution with few input channels whose operands have been checked, with a window kernel: that of a given
// policy, or that of the policy that a table chooses.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/kernels/conv/window.hpp>
#include <tilery/kernels/conv/window_mma_sync.hpp>
#include <tilery/kernels/conv/window_weight.hpp>
#include <tilery/kernels/conv/window_weight_mma_sync.hpp>
#include <tilery/ops/run_depthwise.hpp>
#include <tilery/ops/run_gemm.hpp>
#include <tilery/ops/window_params.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns the number of blocks that share the tiles of pixels, where each of them computes `others` parts of the
/// output: `on_each` blocks for each SM, if there are as many tiles. The blocks of a forward pass load their filters
/// once for all their tiles; those of a weight gradient store their sums once.
inline std::int32_t window_blocks(std::int64_t tiles, std::int64_t others, int on_each, arch target) {
  const std::int64_t wanted = pieces(std::int64_t{on_each} * peaks(target).multiprocessors, static_cast<int>(others));
  return static_cast<std::int32_t>(greater<std::int64_t>(1, lesser(tiles, wanted)));
}

/// Runs the forward pass with policy P.
template <conv_window_policy P, class Executor, class Params>
void run_window(const Executor& executor, const char* op, Params p, operands all, where at) {
  static_assert(!Executor::uses_cpu_kernels, "a conv_window_policy runs on a GPU only");
  using kernel = std::conditional_t<P.tensor_cores, conv_window_mma_sync<P, Params>, conv_window<P, Params>>;
  refuse(check_arch(needs_of<kernel>(), executor.target(at)), at);
  const int column_tiles = pieces(p.c.columns, P.filters);
  p.a.step = window_blocks(p.a.tiles, column_tiles, 4, executor.target(at));
  const index3 grid = depthwise_grid(op, std::int64_t{p.a.step} * column_tiles, at);
  column_totals_in<Params> totals;
  allocation memory;
  if constexpr (Params::epilogue_type::sums_columns) {
    const std::size_t bytes = totals.bytes(p);
    memory = executor.workspace(bytes, at);
    if (memory.get()) executor.zero_bytes(memory.get(), bytes, at);
    totals.place(p, static_cast<std::byte*>(memory.get()), all);
  }
  launch<kernel>(executor, grid, p, all, at);
  totals.finish(executor, at);
}

/// Runs the weight gradient with policy P. `p` are the first kernel's parameters, `q` the last kernel's.
template <conv_window_policy P, class Executor, class Params, class Totals>
void run_window_weight(const Executor& executor, const char* op, Params p, Totals q, operands all, where at) {
  static_assert(!Executor::uses_cpu_kernels, "a conv_window_policy runs on a GPU only");
  using T = typename Totals::a_type;
  using S = typename Totals::accumulator;
  using first_kernel = typename decltype([] {
    if constexpr (P.tensor_cores)
      return std::type_identity<conv_window_weight_mma_sync<P, T>>{};
    else
      return std::type_identity<conv_window_weight<P, T, S>>{};
  }())::type;
  using last_kernel = depthwise_totals<256, 1, Totals>;
  constexpr int quad = static_cast<int>(16 / sizeof(S));
  refuse(check_arch(needs_of<first_kernel>(), executor.target(at)), at);
  const std::int64_t parts = std::int64_t{pieces(p.filters, P.filters)} * pieces(q.c.columns, P.columns);
  p.x.step = window_blocks(p.x.tiles, parts, 2, executor.target(at));
  p.pitch = pieces(p.filters, quad) * quad;
  const index3 grid = depthwise_grid(op, p.x.step * parts, at);
  const index3 last_grid = depthwise_grid(op, last_kernel::block_count(q), at);
  column_totals_in<Totals> totals;
  const std::int64_t elements = std::int64_t{p.x.step} * q.c.columns * p.pitch;
  const auto padded = static_cast<std::size_t>((elements * static_cast<std::int64_t>(sizeof(S)) + 255) / 256 * 256);
  const std::size_t counters = totals.bytes(q);
  const allocation memory = executor.workspace(padded + counters, at);
  auto* const bytes = static_cast<std::byte*>(memory.get());
  if (bytes && counters > 0) executor.zero_bytes(bytes + padded, counters, at);
  totals.place(q, bytes ? bytes + padded : nullptr, all);
  p.sums = gmem_ptr<S>(reinterpret_cast<S*>(bytes));
  q.a.sums = p.sums, q.a.pitch = p.pitch;
  if (bytes) all.push_back(own({"the sums of a weight gradient's slices", bytes, sizeof(S), 1, {elements}, {1}, true}));
  const bool reads = q.a.slices > 0;  // false: alpha is 0
  if (reads) q.a.slices = p.x.step;
  if (reads) launch<first_kernel>(executor, grid, p, all, at);
  launch<last_kernel>(executor, last_grid, q, all, at);
  totals.finish(executor, at);
}

/// Runs a convolution with policy P, which serves it. The output has elements.
template <conv_direction Direction, conv_window_policy P, class Executor, class X, class W, class Y, class Epilogue>
void run_window_with(const Executor& executor, const conv_names& names, const conv_window_problem& q,
                     const images_view<X>& x, const images_view<W>& w, const images_view<Y>& y, const Epilogue& e,
                     gemm_factors f, const operands& all, where at) {
  using T = std::remove_const_t<X>;
  if constexpr (P.tensor_cores) refuse(check_instructions<T, T>(names.op, q.target), at);
  if constexpr (Direction == conv_direction::forward)
    run_window<P>(executor, names.op, window_params_of<P>(q, x, w, y, e, f), all, at);
  else
    run_window_weight<P>(executor, names.op, window_weight_params_of<P, finish_t<T, W>>(q, x, y),
                         window_totals_of<T>(q.geometry, w, e, f), all, at);
}

/// True if window kernels exist for a direction and for elements of T on an executor.
template <conv_direction Direction, class T, class Executor>
inline constexpr bool has_window_kernels = !Executor::uses_cpu_kernels && Direction != conv_direction::data_gradient &&
                                           (is_float_type<T> || std::is_same_v<T, tf32>);

/// Calls f.operator()<Table>() with the table of the window kernels for elements T on this device.
template <class T, conv_direction Direction, class F>
auto with_window_table([[maybe_unused]] arch target, F&& f) {
  // As in with_conv_table(): the kernels that this translation unit compiles.
  constexpr bool simt = is_float_type<T> && (sizeof(T) >= 4 || archs_of_unit().sm_75);
  constexpr bool tensor_cores = has_mma_sync<T> && !std::is_same_v<T, double> && (!simt || archs_of_unit().sm_80);
  if constexpr (tensor_cores)
    if (!simt || has_features(target, atoms::mma_shape<T, T>::needs))
      return f.template operator()<conv_window_table<T, Direction, true>>();
  if constexpr (simt) return f.template operator()<conv_window_table<T, Direction, false>>();
}

/// Returns the reason why the default call leaves a convolution to the implicit GEMM, although it may have few
/// channels; null if a window kernel runs.
template <class Table>
constexpr const char* why_no_window(const conv_window_problem& q) {
  if (q.geometry.channels > most_window_channels) return "the images have more than 7 channels";
  return misfit(Table::candidates[Table::choose(q).index], q);
}

/// Runs a convolution with few channels with the policy that the table chooses. Returns false, and does nothing, if the
/// implicit GEMM serves it.
template <conv_direction Direction, class T, class Executor, class X, class W, class Y, class Epilogue>
bool run_chosen_window(const Executor& executor, const conv_names& names, const conv_problem& problem,
                       const images_view<X>& x, const images_view<W>& w, const images_view<Y>& y, const Epilogue& e,
                       gemm_factors f, const operands& all, where at) {
  if constexpr (has_window_kernels<Direction, T, Executor>) {
    using C = std::conditional_t<Direction == conv_direction::forward, Y, W>;
    const conv_window_problem q = describe_window<T, C>(problem);
    return with_window_table<T, Direction>(problem.target, [&]<class Table>() {
      if (why_no_window<Table>(q)) return false;
      with_candidate<Table>(
          Table::choose(q).index, [&]<auto P>() {
            run_window_with<Direction, P>(executor, names, q, x, w, y, e, f, all, at);
          });
      return true;
    });
  } else {
    return false;
  }
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
