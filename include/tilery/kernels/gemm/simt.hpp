// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM without tensor cores. Shared memory has two buffers for tiles of A and B; each thread keeps a tile of
// accumulators in registers. While the block multiplies the tiles in one buffer, the next tiles are loaded to registers
// and then stored to the other buffer, so that one block barrier for each tile along k suffices. A step is one index of
// k, and a fragment is the elements of A and B that a lane multiplies in one step. Each step loads the fragments of the
// next step before it multiplies its own; the last step of a tile loads them from the other buffer.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/gemm/parts.hpp>
#include <tilery/policies/gemm_simt.hpp>
#include <tilery/tile/register_store.hpp>

namespace tilery::inline TILERY_ABI {

/// One block computes a tile of C, P.block.m x P.block.n, or parts of tiles along k, as the parameters' `work` assigns
/// them (tile/work_share.hpp).
template <gemm_simt_policy P, class Params>
struct gemm_simt {
  using accumulator = typename Params::accumulator;
  static_assert(keeps_rules<P, sizeof(accumulator)>(), "the policy breaks a rule");

  static constexpr const char* name = "gemm_simt";
  static constexpr int threads = P.threads();
  static constexpr arch lowest = P.lowest;
  static constexpr bool allows_one_lane = false;
  /// Number of blocks for which the registers of an SM must suffice: the compiler limits the registers of a thread
  /// accordingly. If the policy's estimate is at most 128 registers a thread (of which at most 32 hold accumulators),
  /// 512 threads, for example 4 blocks of 128, fit an SM. Without this limit compilers use more registers, and an SM
  /// holds one block fewer to hide latency.
  static constexpr int resident = P.registers_a_lane(sizeof(accumulator)) <= 128 && threads < 512 ? 512 / threads : 1;

  /// True if the kernel recomputes the tile's coordinates after the k loop, instead of keeping them in registers during
  /// the loop. Two kinds of kernels have no registers to spare: those whose operands are gathered (pixel_panel.hpp,
  /// tap_panel.hpp), and those that find the layout of their packs at run time.
  static constexpr bool finds_again = !std::is_same_v<typename Params::a_panel, panel<typename Params::a_type>> ||
                                      (P.vector > 1 && (P.a == along::any || P.b == along::any));

  // Load tiles of A and B from global memory to registers, then store them to shared memory (tile/panel.hpp).
  using a_loader =
      tile::panel_loader<typename Params::a_panel, accumulator, P.block.m, P.block.k, threads, P.a, P.vector>;
  using b_loader =
      tile::panel_loader<typename Params::b_panel, accumulator, P.block.n, P.block.k, threads, P.b, P.vector>;

  struct buffers {
    typename a_loader::shared a[2];  // (k, m)
    typename b_loader::shared b[2];  // (k, n)
  };
  union shared {
    buffers ab;
    gemm_note note;
  };
  static_assert(sizeof(shared) == P.shared_bytes(sizeof(accumulator)));

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& all, shared& smem) {
    for_gemm_parts<P>(lane, all, [&](const auto& part) {
      const auto found = part.tile();
      tile::register_tile<P, accumulator> sums(lane);
      multiply(lane, found.p, part.a_of(found), part.b_of(found), found.origin, smem.ab, sums);
      if (!part.completes(lane, sums, smem.note.at(0))) return;
      if constexpr (finds_again)
        store(lane, part.tile(), sums);
      else
        store(lane, found, sums);
    });
  }

private:
  /// The k loop: adds A B to `sums`, for the block's tile at `origin`. `from_a` and `from_b` are the operands,
  /// restricted to the range of k that this block multiplies. The loads read the strides from `p`, the parameters of
  /// the GEMM, instead of keeping them in registers.
  template <class Lane, class One>
  TILERY_SIMT static void multiply(Lane lane, const One& p, const typename Params::a_panel& from_a,
                                   const typename Params::b_panel& from_b, tile::tile_origin origin, buffers& smem,
                                   tile::register_tile<P, accumulator>& sums) {
    a_loader a(lane, from_a, origin.row);
    b_loader b(lane, from_b, origin.column);

    // Starts to load the tiles at k into registers; elements out of bounds are 0.
    const auto fetch = [&](int k) {
      a.fetch(lane, p.a, k);
      b.fetch(lane, p.b, k);
    };
    // Stores the loaded tiles to a buffer.
    const auto put = [&](int buffer) {
      a.put(lane, smem.a[buffer]);
      b.put(lane, smem.b[buffer]);
      // After the barrier no lane reads the other buffer before it is written again: the virtual GPU can check this.
      lane.discard(smem_ptr(&smem.a[buffer ^ 1]), 1);
      lane.discard(smem_ptr(&smem.b[buffer ^ 1]), 1);
      lane.sync_block();  // this buffer is full, and all threads have finished reading the other one
    };
    // Loads the fragments of one step along k from a buffer.
    const auto load = [&](int buffer, int step) { return sums.load(lane, smem.a[buffer], smem.b[buffer], step); };

    fetch(0);
    put(0);
    auto now = load(0, 0);
    for (int k = 0, buffer = 0; k < from_a.k_range(P.block.k); k += P.block.k, buffer ^= 1) {
      fetch(k + P.block.k);
      // A group is group_steps steps, from `first` on; `last` is std::true_type for the tile's last group. Each step
      // loads the fragments of the next step. The tile's last step (turn) first stores the next tile to the other
      // buffer, and loads from there. The tile after the operands' last tile has only zeros, and is not multiplied.
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

  /// Stores the block's tile of C.
  template <class Lane, class Found>
  TILERY_SIMT static void store(Lane lane, const Found& found, const tile::register_tile<P, accumulator>& sums) {
    tile::store_registers(lane, found.c(), found.origin.row, found.origin.column, sums);
  }

  /// Steps along k in the unrolled inner loop. More steps take longer to compile and fill more of the instruction
  /// cache.
  static constexpr int group_steps = P.block.k % 4 == 0 ? 4 : P.block.k % 2 == 0 ? 2 : 1;
};

}  // namespace tilery::inline TILERY_ABI
