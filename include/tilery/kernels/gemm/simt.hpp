// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM without tensor cores. Shared memory has two buffers for tiles of A and B; each thread keeps a tile of
// accumulators in registers. While the block multiplies out of one buffer, the next tiles are on their way to registers
// and then to the other buffer: one barrier for each tile along k. Each step along k also loads the fragments of the
// next step, even if these are in the other buffer.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/gemm/params.hpp>
#include <tilery/policies/gemm_simt.hpp>
#include <tilery/tile/rasterize.hpp>
#include <tilery/tile/register_tile.hpp>
#include <tilery/tile/store_sums.hpp>

namespace tilery::inline TILERY_ABI {

/// One block computes tiles of C, P.block.m x P.block.n each, or parts of tiles along k, as `Params::work` assigns
/// them.
template <gemm_simt_policy P, class Params>
struct gemm_simt {
  using accumulator = typename Params::accumulator;
  static_assert(keeps_rules<P, sizeof(accumulator)>(), "the policy breaks a rule");

  static constexpr const char* name = "gemm_simt";
  static constexpr int threads = P.threads();
  static constexpr arch lowest = P.lowest;
  static constexpr bool holds_alone = false;
  static constexpr bool may_transpose = P.may_transpose();
  /// Blocks per SM that the registers must suffice for. With at most 32 accumulators, 128 registers a thread suffice: 4
  /// blocks of 128 threads fit an SM. Without this bound compilers use more registers, and one block fewer is there to
  /// hide the others' latency.
  static constexpr int resident = P.registers_a_lane(sizeof(accumulator)) <= 128 && threads < 512 ? 512 / threads : 1;

  using a_loader =
      tile::panel_loader<typename Params::a_type, accumulator, P.block.m, P.block.k, threads, P.a, P.vector>;
  using b_loader =
      tile::panel_loader<typename Params::b_type, accumulator, P.block.n, P.block.k, threads, P.b, P.vector>;

  struct buffers {
    typename a_loader::shared a[2];  // (k, m)
    typename b_loader::shared b[2];  // (k, n)
  };
  union shared {
    buffers ab;
    shared_array<std::uint32_t, 1> note;
  };
  static_assert(sizeof(shared) == P.shared_bytes(sizeof(accumulator)));

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& all, shared& smem) {
    tile::for_parts<P.k_parts != 1>(lane, all.work.share, [&](const auto& part) { compute(lane, all, part, smem); });
  }

private:
  template <class Lane>
  TILERY_SIMT static void compute(Lane lane, const Params& all, const tile::work_share::part& part, shared& smem) {
    const auto& share = all.work.share;
    const auto [p, index, tile] = all.template find<P>(part.tile);
    const auto origin = tile::rasterize(tile, p.rows(), p.columns(), P.block.m, P.block.n);
    tile::register_tile<P, accumulator> sums(lane);
    if constexpr (P.k_parts == 1) {
      multiply(lane, p.a_of(index), p.b_of(index), origin, smem.ab, sums);
    } else {
      multiply(lane, share.of(part, p.a_of(index), P.block.k), share.of(part, p.b_of(index), P.block.k), origin,
               smem.ab, sums);
      if (!share.whole(part) && !tile::combine_sums<threads>(lane, all.work, part, sums, smem.note.at(0))) return;
    }
    store(lane, p.c_of(index), origin, sums);
  }

  static constexpr int quad = tile::register_tile<P, accumulator>::quad;

  template <class Lane>
  TILERY_SIMT static void multiply(Lane lane, const panel<typename Params::a_type>& from_a,
                                   const panel<typename Params::b_type>& from_b, tile::tile_origin origin,
                                   buffers& smem, tile::register_tile<P, accumulator>& sums) {
    a_loader a(lane, from_a, origin.row);
    b_loader b(lane, from_b, origin.column);

    const auto fetch = [&](int k) {
      a.fetch(lane, from_a, k);
      b.fetch(lane, from_b, k);
    };
    const auto put = [&](int buffer) {
      a.put(lane, smem.a[buffer]);
      b.put(lane, smem.b[buffer]);
      lane.discard(smem_ptr(&smem.a[buffer ^ 1]), 1);
      lane.discard(smem_ptr(&smem.b[buffer ^ 1]), 1);
      lane.sync_block();  // this buffer is full, and all threads have finished reading the other one
    };
    const auto load = [&](int buffer, int step) { return sums.load(lane, smem.a[buffer], smem.b[buffer], step); };

    fetch(0);
    put(0);
    auto now = load(0, 0);
    for (int k = 0, buffer = 0; k < from_a.k; k += P.block.k, buffer ^= 1) {
      fetch(k + P.block.k);
      // Each step loads the fragments of the next step. The last step of a tile first puts the next tile into the other
      // buffer, and loads from there. After the last tile of the operands comes a tile of zeros.
      const auto group = [&](int first, auto last) {
        TILERY_UNROLL_ON_GPU
        for (int step = 0; step < group_steps; ++step) {
          const bool turn = decltype(last)::value && step + 1 == group_steps;
          if (turn) put(buffer ^ 1);
          const auto next = turn ? load(buffer ^ 1, 0) : load(buffer, first + step + 1);
          sums.multiply(lane, now);
          now = next;
        }
      };
      TILERY_ROLLED
      for (int first = 0; first < P.block.k - group_steps; first += group_steps) group(first, std::false_type{});
      group(P.block.k - group_steps, std::true_type{});
    }
  }

  /// Steps along k that are unrolled. More steps take longer to compile and fill more of the instruction cache.
  static constexpr int group_steps = P.block.k % 4 == 0 ? 4 : P.block.k % 2 == 0 ? 2 : 1;

  template <class Lane, class One>
  TILERY_SIMT static void store(Lane lane, const One& p, tile::tile_origin origin,
                                const tile::register_tile<P, accumulator>& sums) {
    auto epilogue =
        epilogue::in_tile<accumulator, quad, (may_transpose && P.lane.m > P.lane.n ? P.lane.m : P.lane.n) / quad>(
            p.epilogue);
    const bool is_transposed = may_transpose && p.is_transposed;
    // The tile is stored in squares of quad x quad. The rows of a square are packs of C, its columns are packs of a
    // transposed C: the same code stores both.
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < P.lane.m; i += quad) {
      TILERY_UNROLL_ON_GPU
      for (int j = 0; j < P.lane.n; j += quad) {
        const int row = origin.row + sums.row(i), column = origin.column + sums.column(j / quad);
        TILERY_UNROLL_ON_GPU
        for (int e = 0; e < quad; ++e)
          tile::store_sums<P.c_vector>(lane, p, epilogue, (is_transposed ? column : row) + e,
                                       is_transposed ? row : column,
                                       is_transposed ? sums.down(i, j + e) : sums.sums(i + e, j / quad));
      }
    }
    epilogue.end(lane);
  }
};

}  // namespace tilery::inline TILERY_ABI
