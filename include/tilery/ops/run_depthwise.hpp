// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs a depthwise convolution whose operands have been checked, with a given policy or with the policy that a table
// chooses.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/kernels/conv/cpu_depthwise.hpp>
#include <tilery/kernels/conv/cpu_depthwise_filter.hpp>
#include <tilery/kernels/conv/cpu_depthwise_square_weight.hpp>
#include <tilery/kernels/conv/cpu_depthwise_weight.hpp>
#include <tilery/kernels/conv/depthwise.hpp>
#include <tilery/kernels/conv/depthwise_weight.hpp>
#include <tilery/ops/column_totals.hpp>
#include <tilery/ops/depthwise_params.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns the number of blocks as a grid. Throws if a launch cannot have so many.
inline index3 depthwise_grid(const char* op, std::int64_t blocks, where at) {
  if (blocks > largest_extent)
    throw error({op, ": the images take ", blocks, " blocks of this policy; a launch has at most ", largest_extent},
                at);
  return {static_cast<int>(blocks)};
}

/// Returns the strips that a policy cuts images into. Throws if there are too many.
inline tile::strip_grid strips_of(const char* op, const spatial<3>& extents, std::int32_t images,
                                  std::int32_t classes_x, int strip, int rows, where at) {
  const std::int64_t count = tile::strip_grid::count(extents, images, classes_x, strip, rows);
  if (count > largest_extent)
    throw error({op, ": the images have ", count, " strips of this policy; a launch has at most ", largest_extent}, at);
  return {extents, images, classes_x, strip, rows};
}

/// Returns the number of threads for so many multiply-adds, from 1 to `most`: at least 2^17 for each thread, because
/// waking a thread takes some microseconds.
inline int depthwise_threads(std::int64_t multiply_adds, int most) {
  return static_cast<int>(greater<std::int64_t>(1, lesser<std::int64_t>(multiply_adds >> 17, most)));
}

/// Packs the filters for a kernel of the CPU, then calls compute(p, share) for `shares` shares of the work; p are the
/// parameters `given` with the packed filters.
template <depthwise_policy P, class Executor, class Params, class Compute>
void run_cpu_depthwise(const Executor& executor, const char* op, const Params& given, std::int64_t shares,
                       const Compute& compute, where at) {
  using S = typename Params::accumulator;
  Params p = given;
  const int filters = p.c.columns * p.a.inputs(), taps = p.b.taps.volume.value;
  p.b.pitch = pieces(filters, P.vector) * P.vector;
  const allocation memory =
      executor.workspace(sizeof(S) * static_cast<std::size_t>(p.b.pitch) * static_cast<std::size_t>(taps), at);
  const gmem_ptr<S> packed(static_cast<S*>(memory.get()));
  p.b.packed = packed;
  const int threads = depthwise_threads(std::int64_t{p.c.rows} * p.c.columns * taps, executor.threads());
  constexpr int share = pieces(64, P.vector) * P.vector;  // filters
  const int blocks = depthwise_grid(op, shares, at).x;
  with_column_totals(executor, p, at, [&](const Params& q) {
    const auto pack = [&](std::int64_t i) {
      const int first = static_cast<int>(i) * share;
      pack_filters<P.vector>(q.b, packed, first, lesser(first + share, filters), filters);
    };
    executor.parallel(
        pieces(filters, share), pack, blocks, [&](std::int64_t i) { compute(q, i); }, threads);
  });
}

/// Runs the forward pass, or the data gradient if IsGradient is true, with policy P.
template <depthwise_policy P, bool IsGradient, class Executor, class Params>
void run_depthwise(const Executor& executor, const char* op, Params p, const operands& all, where at) {
  if (p.c.rows == 0) return finish_empty_gemm(executor, p, at);
  if constexpr (P.tap_rows > 0) {
    static_assert(Executor::uses_cpu_kernels, "a policy with lowest = arch::cpu runs on the cpu executor only");
    using kernel = cpu_depthwise<P, IsGradient && (P.stride > 1), Params>;
    const auto compute = [](const Params& q, std::int64_t i) { kernel::run(q, i); };
    return run_cpu_depthwise<P>(executor, op, p, kernel::shares(p), compute, at);
  } else {
    using kernel = depthwise<P, Params>;
    const auto& out = p.c.images;
    const int pixels = out.extents[0] * out.extents[1] * out.extents[2];
    p.a.grid = strips_of(op, out.extents, p.c.rows / pixels, p.a.walk[2].classes.value, P.strip, P.rows, at);
    const index3 grid = depthwise_grid(op, kernel::block_count(p), at);
    if constexpr (Executor::uses_cpu_kernels) {
      static_assert(P.lowest == arch::cpu, "the cpu executor needs a policy with lowest = arch::cpu");
      const auto compute = [&](const Params& q, std::int64_t i) {
        const Params own = q;  // a copy that no store can alias: its members stay in registers
        typename kernel::shared none;
        kernel::run(cpu_lane({static_cast<int>(i), 0, 0}, grid), own, none);
      };
      run_cpu_depthwise<P>(executor, op, p, grid.x, compute, at);
    } else {
      static_assert(P.lowest != arch::cpu, "a policy with lowest = arch::cpu runs on the cpu executor only");
      p.b.is_staged = p.b.taps.volume.value <= P.staged_taps && (!p.a.is_gradient || p.a.inputs() == 1);
      if constexpr (Params::epilogue_type::sums_columns) {
        refuse(check_arch(needs_of<kernel>(), executor.target(at)), at);
        Params q = p;
        column_totals_in<Params> totals;
        operands known = all;
        const std::size_t bytes = totals.bytes(q);
        const allocation memory = executor.workspace(bytes, at);
        if (memory.get()) executor.zero_bytes(memory.get(), bytes, at);
        totals.place(q, static_cast<std::byte*>(memory.get()), known);
        launch<kernel>(executor, grid, q, known, at);
        totals.finish(executor, at);
      } else {
        launch<kernel>(executor, grid, p, all, at);
      }
    }
  }
}

/// Returns the number of slices of a weight gradient. It depends on the problem and the arch, not on the number of
/// threads. On a GPU: 4 blocks for each SM, if each lane then has P.strips strips. On the CPU: 64 shares, and at most
/// 4096 pixels a slice, if a slice then has P.strips strips or blocks. `pixels` are those of a strip of p.grid.
template <depthwise_weight_policy P, class Params>
int slices_of(const Params& p, std::int64_t pixels, arch target) {
  const int channels = pieces(p.filters, P.channels());
  const std::int64_t all = p.grid.strips * pixels;
  const int fewest = P.strips * P.strip * (P.stride > 0 ? P.rows : 1);  // pixels of a lane
  const int most = greater(1, pieces(all, P.pixel_lanes() * fewest));
  const int wanted = P.lowest == arch::cpu ? greater(pieces(64, channels), pieces(all, 4096))
                                           : pieces(4 * peaks(target).multiprocessors, channels * p.tap_groups(P));
  return lesser(lesser(most, wanted), greater(1, p.grid.strips));
}

/// The CPU's first kernel of a weight gradient.
template <depthwise_weight_policy P, class T, class S>
struct cpu_depthwise_weight_kernel {
  using type = cpu_depthwise_weight<P, T, S>;
};
template <depthwise_weight_policy P, class T, class S>
requires(P.stride > 0) struct cpu_depthwise_weight_kernel<P, T, S> {
  using type = cpu_depthwise_square_weight<P, T, S>;
};

/// Runs the weight gradient with policy P. `p` are the first kernel's parameters, `q` the last kernel's.
template <depthwise_weight_policy P, class Executor, class Params, class Totals>
void run_depthwise_weight(const Executor& executor, const char* op, std::int32_t images, Params p, Totals q,
                          const operands& all, where at) {
  using T = typename Totals::a_type;
  using S = typename Totals::accumulator;
  const spatial<3>& out = p.gradient.extents;
  if constexpr (P.stride > 0)  // a strip is a band of rows
    p.grid = strips_of(op, {out[0], pieces(out[1], P.rows), 1}, images, 1, 1, 1, at);
  else
    p.grid = strips_of(op, out, images, 1, P.strip, P.rows, at);
  const std::int64_t pixels = P.stride > 0 ? P.rows * out[2] : P.strip;
  p.slices = slices_of<P>(p, pixels, executor.target(at));
  p.pitch = pieces(p.filters, P.vector) * P.vector;
  const std::int64_t elements = std::int64_t{p.slices} * p.all_taps() * p.pitch;
  constexpr bool on_cpu = Executor::uses_cpu_kernels;
  using last_kernel = depthwise_totals<(on_cpu ? 1 : 256), (on_cpu ? P.vector : 1), Totals>;
  const index3 last_grid = depthwise_grid(op, last_kernel::block_count(q), at);
  column_totals_in<Totals> totals;
  const auto padded = static_cast<std::size_t>((elements * static_cast<std::int64_t>(sizeof(S)) + 255) / 256 * 256);
  const std::size_t counters = totals.bytes(q);
  if constexpr (!on_cpu) refuse(check_arch(needs_of<depthwise_weight<P, T, S>>(), executor.target(at)), at);
  const allocation memory = executor.workspace(padded + counters, at);
  auto* const bytes = static_cast<std::byte*>(memory.get());
  if (bytes && counters > 0) executor.zero_bytes(bytes + padded, counters, at);
  operands known = all;
  totals.place(q, bytes ? bytes + padded : nullptr, known);
  p.sums = gmem_ptr<S>(reinterpret_cast<S*>(bytes));
  q.a.sums = p.sums, q.a.pitch = p.pitch;
  if (q.a.slices > 0) q.a.slices = p.slices;  // 0: alpha is 0
  if (bytes)
    known.push_back(own({"the sums of a weight gradient's slices", bytes, sizeof(S), 1, {elements}, {1}, true}));
  if constexpr (on_cpu) {
    static_assert(P.lowest == arch::cpu, "the cpu executor needs a policy with lowest = arch::cpu");
    using first_kernel = typename cpu_depthwise_weight_kernel<P, T, S>::type;
    using last_shared = typename last_kernel::shared;  // not in the lambda below: nvcc's text crashes g++ 12 there
    const int threads = depthwise_threads(p.grid.strips * pixels * p.filters * p.all_taps(), executor.threads());
    executor.parallel(
        q.a.slices > 0 ? first_kernel::shares(p) : 0, [&](std::int64_t i) { first_kernel::run(p, i); }, last_grid.x,
        [&](std::int64_t block) {
          const Totals own = q;  // as in run_depthwise()
          last_shared none;
          last_kernel::run(cpu_lane({static_cast<int>(block), 0, 0}, last_grid), own, none);
        },
        threads);
  } else {
    static_assert(P.lowest != arch::cpu, "a policy with lowest = arch::cpu runs on the cpu executor only");
    using first_kernel = depthwise_weight<P, T, S>;
    const index3 grid = depthwise_grid(op, first_kernel::block_count(p), at);
    if (q.a.slices > 0) launch<first_kernel>(executor, grid, p, known, at);
    launch<last_kernel>(executor, last_grid, q, known, at);
  }
  totals.finish(executor, at);
}

/// The table of an executor for a direction, and elements of T.
template <class Executor, class T, conv_direction Direction>
using depthwise_table_of = std::conditional_t<
    Direction == conv_direction::weight_gradient,
    std::conditional_t<Executor::uses_cpu_kernels, depthwise_weight_table_cpu<T>, depthwise_weight_table_gpu<T>>,
    std::conditional_t<Executor::uses_cpu_kernels, depthwise_table_cpu<T>, depthwise_table_gpu<T>>>;

/// Runs a depthwise convolution with policy P, which must be able to. The output has elements.
template <conv_direction Direction, auto P, class Executor, class X, class W, class Y, class Epilogue>
void run_depthwise_with(const Executor& executor, const conv_names& names, const conv_geometry& g,
                        const images_view<X>& x, const images_view<W>& w, const images_view<Y>& y, const Epilogue& e,
                        gemm_factors f, const operands& all, where at) {
  if constexpr (Direction == conv_direction::forward) {
    run_depthwise<P, false>(executor, names.op, depthwise_params_of(g, false, x, w, y, e, f), all, at);
  } else if constexpr (Direction == conv_direction::data_gradient) {
    run_depthwise<P, true>(executor, names.op, depthwise_params_of(g, true, y, w, x, e, f), all, at);
  } else {
    using T = std::remove_const_t<X>;
    run_depthwise_weight<P>(executor, names.op, g.images, depthwise_weight_params_of<finish_t<T, W>>(g, x, y),
                            depthwise_totals_of<T>(g, w, e, f), all, at);
  }
}

/// Runs a depthwise convolution with the policy that the table chooses. Returns false, and does nothing, if no
/// depthwise kernel serves it.
template <conv_direction Direction, class T, class Executor, class X, class W, class Y, class Epilogue>
bool run_chosen_depthwise(const Executor& executor, const conv_names& names, const conv_geometry& g,
                          const images_view<X>& x, const images_view<W>& w, const images_view<Y>& y, const Epilogue& e,
                          gemm_factors f, const operands& all, where at) {
  if constexpr (is_float_type<T>) {
    if (!is_depthwise(g)) return false;
    const depthwise_problem problem = describe_depthwise(Direction, g, x, y, executor.target(at));
    if (problem.why_not) return false;
    using table = depthwise_table_of<Executor, T, Direction>;
    with_candidate<table>(
        table::choose(problem).index, [&]<auto P>() {
          run_depthwise_with<Direction, P>(executor, names, g, x, w, y, e, f, all, at);
        });
    return true;
  } else {
    return false;
  }
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
