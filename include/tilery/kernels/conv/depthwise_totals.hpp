// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Adds up the slices of a depthwise weight gradient (depthwise_weight.hpp) in a fixed order, and computes dw from the
// totals: factors, beta and the epilogue. All executors run this code.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/tile/pixel_matrix.hpp>

namespace tilery::inline TILERY_ABI {

/// Sums (slice, tap, filter) as operand A and B of product_params. T is the element type of x and dy, and S the
/// accumulation type.
template <class T, class S>
struct depthwise_slices {
  using value_type = T;

  gmem_ptr<const S> sums;
  std::int32_t slices;
  std::int64_t pitch;    // elements from one tap to the next
  bool flipped = false;  // the sums' taps are in reverse order

  /// The operand without slices: each total is 0.
  depthwise_slices without_k() const { return {sums, 0, pitch, flipped}; }
};

/// Params is product_params of depthwise_slices and tap_matrix: C has a row for each filter and a column for each tap.
/// A block computes `filters` neighbouring filters of one tap. On a GPU several lanes share the slices of a total; on
/// the CPU the only lane adds up Vector filters at once, and `pitch` is a multiple of Vector.
template <int Threads, int Vector, class Params>
struct depthwise_totals {
  static_assert(Threads == 1 || Vector == 1, "on a GPU neighbouring lanes have neighbouring filters");
  static constexpr const char* name = "depthwise_totals";
  static constexpr int threads = Threads;
  static constexpr bool allows_one_lane = Threads == 1;
  static constexpr int side = Threads == 1 ? 1 : 32;  // lanes along the filters
  static constexpr int slice_lanes = Threads / side;
  static constexpr int filters = Threads == 1 ? 256 : side;
  using S = typename Params::accumulator;
  using C = typename Params::c_type;
  struct shared {
    shared_array<S, (slice_lanes > 1 ? Threads : 1)> sums;  // (slice lane, filter)
  };

  static std::int64_t block_count(const Params& p) { return std::int64_t{pieces(p.c.rows, filters)} * p.c.columns; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& p, shared& smem) {
    const int pieces_of_filters = pieces(p.c.rows, filters), tap = lane.block().x / pieces_of_filters;
    const int first = (lane.block().x - tap * pieces_of_filters) * filters;
    const int column = lane.rank() % side, slice_lane = lane.rank() / side;
    const auto to = p.c.at(0, tap);
    auto epilogue = epilogue::in_tile<S, 1, 1>(p.epilogue);
    for (int filter = first + column * Vector; filter < first + filters; filter += side * Vector) {
      auto total = splat<Vector>(S(0));
      if (filter < p.c.rows) total = add_slices(lane, p, tap, filter, slice_lane);
      if constexpr (slice_lanes > 1) {
        lane.store(smem.sums.at(lane.rank()), total);
        lane.sync_block();
        if (slice_lane == 0)
          for (int other = 1; other < slice_lanes; ++other)
            total = total + lane.load(smem.sums.at(other * side + column), width<Vector>);
      }
      if (slice_lane != 0) continue;
      TILERY_UNROLL
      for (int e = 0; e < Vector; ++e)
        if (filter + e < p.c.rows)
          store(lane, p, epilogue, to + (filter + e) * p.c.filters.image_stride, filter + e, tap, total[e]);
    }
    epilogue.end(lane);
  }

private:
  /// Adds every slice_lanes-th slice, from `first` on.
  template <class Lane>
  TILERY_SIMT static pack<S, Vector> add_slices(Lane lane, const Params& p, int tap, int filter, int first,
                                                where at = {}) {
    [[maybe_unused]] const auto step = lane.step("add slices", at);
    const std::int64_t a_slice = p.c.columns * p.a.pitch;
    const auto from = p.a.sums + ((p.a.flipped ? p.c.columns - 1 - tap : tap) * p.a.pitch + filter);
    auto total = splat<Vector>(S(0));
    for (int slice = first; slice < p.a.slices; slice += slice_lanes)
      total = total + lane.load(from + slice * a_slice, width<Vector>);
    return total;
  }
  template <class Lane, class TileEpilogue>
  TILERY_SIMT static void store(Lane lane, const Params& p, TileEpilogue& epilogue, gmem_ptr<C> to, int filter, int tap,
                                S total) {
    auto old = splat<1>(S(0));
    if (p.beta != S(0)) old = splat<1>(convert<S>(lane.load(to)));
    lane.store(to, convert<C>(p.finish(lane, epilogue, splat<1>(total), old, filter, tap)[0]));
  }
};

}  // namespace tilery::inline TILERY_ABI
