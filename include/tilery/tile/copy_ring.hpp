// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A circular buffer (ring) of pipeline stages in shared memory, for the GEMM on tensor cores. A stage holds a tile of A
// and a tile of B: P.block.k elements along k. The copies from global memory are asynchronous, or go through registers,
// into which elements are loaded one by one (operand_tile.hpp). While the lanes multiply one stage, the copies into the
// next stages are in flight. There is one block barrier for each stage. After the barrier, the copies of all lanes into
// the next stage have arrived, and all lanes have finished reading the stage before it, which may be refilled.
#pragma once
#pragma GCC system_header

#include <tilery/tile/operand_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The P.stages pipeline stages of a block under policy P (gemm_mma_sync_policy), and the copies that one lane makes.
/// APanel and BPanel are the types of the operands. All lanes of the block call each function.
///
/// Order of calls. First begin(). For each tile along k: multiply now(), and between the multiplications call refill()
/// for each part, then refilled(), then next(). At last end().
template <auto P, class APanel, class BPanel>
class copy_ring {
  // Elements of one access to global memory: 1 if the policy leaves the operand's contiguous dimension open
  // (along::any).
  static constexpr int vector(along way) { return way == along::any ? 1 : P.vector; }
  using a_copy = operand_copy<APanel, P.block.m, P.block.k, P.a, vector(P.a), P.threads()>;
  using b_copy = operand_copy<BPanel, P.block.n, P.block.k, P.b, vector(P.b), P.threads()>;

public:
  /// The tiles of A and B for P.block.k elements along k.
  struct stage {
    typename a_copy::shared a;
    typename b_copy::shared b;
  };
  struct shared {
    stage stages[P.stages];
  };

  /// For the tile of C whose first row and column are `row` and `column`: the rows of A from `row` on, and the columns
  /// of B from `column` on.
  template <class Lane>
  TILERY_SIMT copy_ring(Lane lane, shared& memory, const APanel& a, const BPanel& b, int row, int column)
      : memory_(&memory), a_(lane, a, row), b_(lane, b, column) {}

  /// Starts the copies into all stages but one, and waits until the first stage is complete.
  template <class Lane>
  TILERY_SIMT void begin(Lane lane, const APanel& a, const BPanel& b, where at = {}) {
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < P.stages - 1; ++i) {
      if (late && i > 0) settle(lane, at);
      fill(lane, a, b, 0, 1, at);
      if (!late) settle(lane, at);
    }
    arrive(lane, at);
  }

  /// The stage to multiply now.
  TILERY_SIMT stage& now() { return memory_->stages[now_]; }

  /// Waits until the copies into the next stage have arrived and all lanes have finished reading the current one, then
  /// makes the next stage the current one. Past the end of the operands' k, a stage is filled with zeros.
  template <class Lane>
  TILERY_SIMT void next(Lane lane, where at = {}) {
    lane.discard(smem_ptr(&now()), 1, at);
    now_ = now_ + 1 == P.stages ? 0 : now_ + 1;
    arrive(lane, at);
  }

  /// Starts to copy the first tile of A and of B that has not been copied yet, into the stage that all lanes have
  /// finished reading. The copy is cut into `parts` parts, so that a kernel can issue them between its multiplications:
  /// call refill() for each part, in order, between two calls of next().
  template <class Lane>
  TILERY_SIMT void refill(Lane lane, const APanel& a, const BPanel& b, int part, int parts, where at = {}) {
    if (late && part == 0) settle(lane, at);
    fill(lane, a, b, part, parts, at);
  }
  /// Stores the elements that refill() has loaded into registers to shared memory, if there are 2 stages; with more
  /// stages, the next call of refill() with part = 0 does so. Does nothing for operands that are copied asynchronously.
  /// Call it after the multiplication that follows the last part of a refill: the multiplication hides the latency of
  /// the loads.
  template <class Lane>
  TILERY_SIMT void refilled(Lane lane, where at = {}) {
    if (!late) settle(lane, at);
  }

  /// Waits until no copy of this ring is in flight and all lanes have finished reading its memory.
  template <class Lane>
  TILERY_SIMT void end(Lane lane, where at = {}) {
    atoms::wait_copies<0>(lane, at);
    lane.sync_block(at);
  }

private:
  /// True if elements that are copied through registers stay in registers until the copy of the next tile starts. They
  /// are then stored to shared memory one iteration of the k loop later, which needs a third stage. The barrier of
  /// next() is then between the loads and the stores. The compiler moves a load down towards the store that uses its
  /// value, but not past a barrier: the loads stay in flight during the multiplication.
  static constexpr bool late = P.stages > 2;

  /// Starts part `part` of the copy into stage `next_`; after the last part, moves on to the tile and the stage that
  /// follow.
  template <class Lane>
  TILERY_SIMT void fill(Lane lane, const APanel& a, const BPanel& b, int part, int parts, where at) {
    [[maybe_unused]] const auto step = lane.step("copy tiles", at);
    stage& to = memory_->stages[next_];
    a_.start(lane, a, to.a, part, parts);
    b_.start(lane, b, to.b, part, parts);
    if (part + 1 < parts) return;
    atoms::commit_copies(lane);
    a_.advance(a), b_.advance(b);
    next_ = next_ + 1 == P.stages ? 0 : next_ + 1;
  }
  /// Moves the tile that fill() loaded last, and that is still in registers, to its stage in shared memory. Does
  /// nothing for operands that are copied asynchronously.
  template <class Lane>
  TILERY_SIMT void settle(Lane lane, where at) {
    stage& to = memory_->stages[next_ == 0 ? P.stages - 1 : next_ - 1];
    a_.land(lane, to.a, at);
    b_.land(lane, to.b, at);
  }

  /// Waits until this lane has copies in flight into at most P.stages - 2 stages, then waits at a barrier of the block.
  /// After the barrier, the stage to multiply next is complete.
  template <class Lane>
  TILERY_SIMT static void arrive(Lane lane, where at) {
    atoms::wait_copies<P.stages - 2>(lane, at);
    lane.sync_block(at);
  }

  shared* memory_;
  a_copy a_;
  b_copy b_;
  int now_ = 0, next_ = 0;  // the stages to multiply now and to fill next
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
