// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM on tensor cores through mma.sync. Copies fill the pipeline stages, a ring of tiles of A and B in shared memory
// (tile/copy_ring.hpp), while earlier stages are multiplied. Each warp keeps a tile of accumulators in registers.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/gemm/parts.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/tile/copy_ring.hpp>
#include <tilery/tile/staged_store.hpp>

namespace tilery::inline TILERY_ABI {

/// One block computes a tile of C, P.block.m x P.block.n, or parts of tiles (ranges of k), as the parameters' `work`
/// assigns them (tile/work_share.hpp).
template <gemm_mma_sync_policy P, class Params>
struct gemm_mma_sync {
  using a_type = typename Params::a_type;
  using b_type = typename Params::b_type;
  using a_panel = typename Params::a_panel;
  using b_panel = typename Params::b_panel;
  static_assert(keeps_rules<P, sizeof(a_type)>(), "the policy breaks a rule");

  static constexpr const char* name = "gemm_mma_sync";
  static constexpr int threads = P.threads();
  using sums_type = tile::mma_sums<P, a_type, b_type>;
  using shape = typename sums_type::shape;
  static constexpr features needs = features::copy_async | features::ldmatrix | shape::needs;
  static constexpr arch lowest = P.lowest;
  static constexpr bool allows_one_lane = false;

  /// True if the kernel finds the layouts of A and B at run time, and has one k loop for each pair of layouts.
  static constexpr bool looks_up = P.looks_up();
  /// True if a thread of such a kernel has at most 32 accumulators, in a block of at most 128 threads. fp8 is excluded:
  /// the tensor cores of sm_90 have no mma.sync for it, and its conversion to half needs more registers.
  static constexpr bool small_sums = looks_up && threads <= 128 && P.warp.m * P.warp.n <= 1024 && !is_fp8<a_type>;
  /// Blocks for which the registers of an SM must suffice; the compiler limits the registers of a thread to that. With
  /// small_sums: as many blocks as fit sm_90's shared memory (for which CUDA reserves 1024 bytes a block), but not so
  /// many that a thread has fewer than 160 registers for accumulators, fragments and addresses.
  static constexpr int resident =
      small_sums ? lesser(limits(arch::sm_90).shared_bytes_per_multiprocessor / (P.shared_bytes(sizeof(a_type)) + 1024),
                          limits(arch::sm_90).registers_per_multiprocessor / (160 * threads))
                 : 1;
  /// True for fp8, because a sum of fp8 products has only 13 fraction bits in sm_89's tensor cores. The tensor cores
  /// then add up only the P.block.k products of one pipeline stage; these sums are added up in float.
  static constexpr bool adds_up = is_fp8<a_type>;
  /// True if the kernel recomputes the tile's coordinates after the k loop, instead of keeping them in registers during
  /// the loop. If C may be stored transposed or its columns are summed, a large tile has no registers to spare.
  static constexpr bool finds_again = P.may_transpose() || Params::epilogue_type::sums_columns;
  /// The pipeline stages for operands a and b. The template argument A is the contiguous dimension of a, B that of b;
  /// along::any serves every layout. All layouts take the same amount of shared memory.
  template <along A, along B>
  using ring = tile::copy_ring<P.laid_out(A, B), a_panel, b_panel>;
  /// The shared memory through which a warp stores its accumulators to C, the rows of one fragment at once
  /// (tile/staged_store.hpp).
  using rows = tile::stage_rows<P, typename shape::accumulator, shape::m>;
  union shared {
    typename ring<P.a, P.b>::shared ab;
    rows sums[threads / 32];  // (warp), used after the k loop
    gemm_note note;           // used between the k loop and the store
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
  /// Runs the k loop for the layouts of A and B: for those that the policy names, or, if looks_up, for those that the
  /// operands have.
  template <class Lane, class One>
  TILERY_SIMT static void multiply(Lane lane, const One& p, const a_panel& a, const b_panel& b,
                                   tile::tile_origin origin, shared& smem, sums_type& sums) {
    if constexpr (!looks_up) {
      multiply_laid_out<P.a, P.b>(lane, p, a, b, origin, smem, sums);
    } else {
      // `other` is the layout of an A that has no packs along k. With P.few, A may have any layout and alignment: in
      // nearly all problems it is the short operand (gemm_mma_sync_policy::few).
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

  /// The k loop for one pair of layouts, A of `a` and B of `b`. `a` and `b` are the operands, restricted to the range
  /// of k that this block multiplies. The copies read the strides from `p`, the parameters of the GEMM, instead of
  /// keeping them in registers.
  template <along A, along B, class Lane, class One>
  TILERY_SIMT static void multiply_laid_out(Lane lane, const One& p, const a_panel& a, const b_panel& b,
                                            tile::tile_origin origin, shared& smem, sums_type& sums) {
    using ring_type = ring<A, B>;
    static_assert(sizeof(typename ring_type::shared) == sizeof(smem.ab));
    ring_type tiles(lane, reinterpret_cast<typename ring_type::shared&>(smem), a, b, origin.row, origin.column);
    tile::mma_step<P, a_type, b_type> operands[2];  // fragments of the current step and of the next step
    [[maybe_unused]] sums_type of_step;             // if adds_up: the sums over the P.block.k elements of one stage

    // A step is the k of one mma instruction; a stage has `steps` of them. Each step loads the fragments of the next
    // step, then multiplies its own. Every step except the last one of a stage also starts one part of the copy into
    // another stage, so that the copies are spread over the steps.
    tiles.begin(lane, p.a, p.b);
    operands[0].load(lane, tiles.now().a, tiles.now().b, 0);
    for (int k = 0; k < a.k_range(P.block.k); k += P.block.k) {
      TILERY_UNROLL_ON_GPU
      for (int step = 0; step < steps; ++step) {
        if (step + 1 == steps) tiles.next(lane);  // the next fragments are in the next stage
        operands[(step + 1) % 2].load(lane, tiles.now().a, tiles.now().b, (step + 1) % steps);
        if (step + 1 < steps) tiles.refill(lane, p.a, p.b, step, steps - 1);
        (adds_up ? of_step : sums).multiply(lane, operands[step % 2]);
        if (step + 2 == steps) tiles.refilled(lane);
      }
      if constexpr (adds_up) sums.take(of_step);
    }
    tiles.end(lane);
  }

  /// Stores the block's tile of C; each warp stores its own part.
  template <class Lane, class Found>
  TILERY_SIMT static void store(Lane lane, const Found& found, shared& smem, const sums_type& sums) {
    tile::store_through(lane, found.c(), smem.sums[lane.warp()], found.origin.row, found.origin.column, sums);
  }

  static constexpr int steps = P.block.k / shape::k;  // mma instructions along k in a pipeline stage, at least 2
};

}  // namespace tilery::inline TILERY_ABI
