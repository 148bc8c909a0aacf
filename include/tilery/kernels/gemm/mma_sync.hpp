// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM on tensor cores through mma.sync. Asynchronous copies fill the pipeline stages, a ring of tiles of A and B in
// shared memory. Each warp keeps a tile of accumulators in registers.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/gemm/parts.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/tile/copy_ring.hpp>
#include <tilery/tile/staged_store.hpp>

namespace tilery::inline TILERY_ABI {

/// One block computes tiles of C, P.block.m x P.block.n each, or parts of tiles along k, as `Params::work` assigns
/// them.
template <gemm_mma_sync_policy P, class Params>
struct gemm_mma_sync {
  using a_type = typename Params::a_type;
  using b_type = typename Params::b_type;
  static_assert(keeps_rules<P, sizeof(a_type)>(), "the policy breaks a rule");

  static constexpr const char* name = "gemm_mma_sync";
  static constexpr int threads = P.threads();
  using sums_type = tile::mma_sums<P, a_type, b_type>;
  using shape = typename sums_type::shape;
  static constexpr features needs = features::copy_async | features::ldmatrix | shape::needs;
  static constexpr arch lowest = P.lowest;
  static constexpr bool allows_one_lane = false;

  static constexpr bool looks_up = P.looks_up();
  /// Blocks per SM that the registers must suffice for. A small tile leaves registers for as many blocks as fit sm_90's
  /// shared memory, but at least 160 a thread for accumulators, fragments and addresses. fp8 is an exception: sm_90 has
  /// no mma.sync instruction for it, and the conversion needs more registers.
  static constexpr bool small_sums = looks_up && threads <= 128 && P.warp.m * P.warp.n <= 1024 && !is_fp8<a_type>;
  static constexpr int resident =
      small_sums ? lesser(limits(arch::sm_90).shared_bytes_per_multiprocessor / (P.shared_bytes(sizeof(a_type)) + 1024),
                          limits(arch::sm_90).registers_per_multiprocessor / (160 * threads))
                 : 1;
  /// True for fp8: accumulators in sm_89's tensor cores keep 13 bits. Tensor cores add up the steps of one block.k, and
  /// the sums of all block.k are added up as float.
  static constexpr bool adds_up = is_fp8<a_type>;
  /// True if the kernel recomputes the tile's coordinates after the k loop: the loop then keeps nothing in registers
  /// but its own values. A large tile has no registers to spare if C may be stored transposed or its columns are
  /// summed.
  static constexpr bool finds_again = P.may_transpose() || Params::epilogue_type::sums_columns;
  /// The pipeline stages for A and B with these contiguous dimensions. Every layout takes the same memory.
  template <along A, along B>
  using ring = tile::copy_ring<P.laid_out(A, B), a_type, b_type>;
  using rows = tile::stage_rows<P, typename shape::accumulator, shape::m>;
  union shared {
    typename ring<P.a, P.b>::shared ab;
    rows sums[threads / 32];  // one for each warp, used after the k loop
    gemm_note note;
  };
  static_assert(sizeof(shared) == P.shared_bytes(sizeof(a_type)));

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const Params& all, shared& smem) {
    for_gemm_parts<P>(lane, all, [&](const auto& part) {
      const auto found = part.tile();
      sums_type sums;
      multiply(lane, found.p, part.a_of(found), part.b_of(found), found.origin, smem, sums);
      if (!part.completes(lane, sums, smem.note.at(0))) return;
      if constexpr (finds_again)
        store(lane, part.tile(), smem, sums);
      else
        store(lane, found, smem, sums);
    });
  }

private:
  /// Runs the k loop for the layouts of A and B.
  template <class Lane, class One>
  TILERY_SIMT static void multiply(Lane lane, const One& p, const panel<a_type>& a, const panel<b_type>& b,
                                   tile::tile_origin origin, shared& smem, sums_type& sums) {
    if constexpr (!looks_up) {
      multiply_laid_out<P.a, P.b>(lane, p, a, b, origin, smem, sums);
    } else {
      constexpr along other = P.few ? along::any : along::outer;
      if (a.has_packs(along::k, P.vector)) {
        if (b.has_packs(along::k, P.vector))
          multiply_laid_out<along::k, along::k>(lane, p, a, b, origin, smem, sums);
        else
          multiply_laid_out<along::k, along::outer>(lane, p, a, b, origin, smem, sums);
      } else {
        if (b.has_packs(along::k, P.vector))
          multiply_laid_out<other, along::k>(lane, p, a, b, origin, smem, sums);
        else
          multiply_laid_out<other, along::outer>(lane, p, a, b, origin, smem, sums);
      }
    }
  }

  /// The k loop for one pair of layouts. The loop reads the strides from the parameters instead of keeping them in
  /// registers.
  template <along A, along B, class Lane, class One>
  TILERY_SIMT static void multiply_laid_out(Lane lane, const One& p, const panel<a_type>& a, const panel<b_type>& b,
                                            tile::tile_origin origin, shared& smem, sums_type& sums) {
    using ring_type = ring<A, B>;
    static_assert(sizeof(typename ring_type::shared) == sizeof(smem.ab));
    ring_type tiles(lane, reinterpret_cast<typename ring_type::shared&>(smem), a, b, origin.row, origin.column);
    tile::mma_step<P, a_type, b_type> operands[2];
    [[maybe_unused]] sums_type of_step;

    tiles.begin(lane, p.a, p.b);
    operands[0].load(lane, tiles.now().a, tiles.now().b, 0);
    for (int k = 0; k < a.k; k += P.block.k) {
      TILERY_UNROLL_ON_GPU
      for (int step = 0; step < steps; ++step) {
        if (step + 1 == steps) tiles.next(lane);
        operands[(step + 1) % 2].load(lane, tiles.now().a, tiles.now().b, (step + 1) % steps);
        if (step + 1 < steps) tiles.refill(lane, p.a, p.b, step, steps - 1);
        (adds_up ? of_step : sums).multiply(lane, operands[step % 2]);
        if (step + 2 == steps) tiles.refilled(lane);
      }
      if constexpr (adds_up) sums.take(of_step);
    }
    tiles.end(lane);
  }

  template <class Lane, class Found>
  TILERY_SIMT static void store(Lane lane, const Found& found, shared& smem, const sums_type& sums) {
    tile::store_through(lane, found.c(), smem.sums[lane.warp()], found.origin.row, found.origin.column, sums);
  }

  static constexpr int steps = P.block.k / shape::k;
};

}  // namespace tilery::inline TILERY_ABI
