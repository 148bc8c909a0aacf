// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A ring of pipeline stages in shared memory between asynchronous copies and the tensor cores: while one stage is
// multiplied, the copies into the next stages are in flight. There is one block barrier for each tile. After the
// barrier, the next stage has arrived for all lanes, and all lanes have left the stage before it, which may be
// refilled.
#pragma once
#pragma GCC system_header

#include <tilery/tile/operand_tile.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

template <auto P, class A, class B>
class copy_ring {
  static constexpr int vector(along way) { return way == along::any ? 1 : P.vector; }
  using a_copy = operand_copy<A, P.block.m, P.block.k, P.a, vector(P.a), P.threads()>;
  using b_copy = operand_copy<B, P.block.n, P.block.k, P.b, vector(P.b), P.threads()>;

public:
  struct stage {
    typename a_copy::shared a;
    typename b_copy::shared b;
  };
  struct shared {
    stage stages[P.stages];
  };

  template <class Lane>
  TILERY_SIMT copy_ring(Lane lane, shared& memory, const panel<A>& a, const panel<B>& b, int row, int column)
      : memory_(&memory), a_(lane, a, row), b_(lane, b, column) {}

  /// Starts the copies of all stages but one, and waits for the first stage.
  template <class Lane>
  TILERY_SIMT void begin(Lane lane, const panel<A>& a, const panel<B>& b, where at = {}) {
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

  /// Moves on to the next stage after its copies have arrived. After the operand's last tile, the stages hold zeros.
  template <class Lane>
  TILERY_SIMT void next(Lane lane, where at = {}) {
    lane.discard(smem_ptr(&now()), 1, at);
    now_ = now_ + 1 == P.stages ? 0 : now_ + 1;
    arrive(lane, at);
  }

  /// Starts to copy one more tile, into the stage that all lanes have left. The copy is cut into `parts` parts: call
  /// refill for each of them, in order, between two calls of next().
  template <class Lane>
  TILERY_SIMT void refill(Lane lane, const panel<A>& a, const panel<B>& b, int part, int parts, where at = {}) {
    if (late && part == 0) settle(lane, at);
    fill(lane, a, b, part, parts, at);
  }
  /// Call this after the multiplication that follows the last part of a refill. With 2 stages it stores the single
  /// elements that refill() has loaded into registers; with more stages the next refill() does.
  template <class Lane>
  TILERY_SIMT void refilled(Lane lane, where at = {}) {
    if (!late) settle(lane, at);
  }

  /// Waits until no copy is in flight and all lanes have left the ring's memory.
  template <class Lane>
  TILERY_SIMT void end(Lane lane, where at = {}) {
    atoms::wait_copies<0>(lane, at);
    lane.sync_block(at);
  }

private:
  /// True if single elements, which are copied through registers, stay there until the copy of the next tile starts;
  /// this needs a spare stage. The compiler moves loads towards their use, but not across the barrier between the two:
  /// the loads stay in flight during the multiplication.
  static constexpr bool late = P.stages > 2;

  template <class Lane>
  TILERY_SIMT void fill(Lane lane, const panel<A>& a, const panel<B>& b, int part, int parts, where at) {
    [[maybe_unused]] const auto step = lane.step("copy tiles", at);
    stage& to = memory_->stages[next_];
    a_.start(lane, a, to.a, part, parts);
    b_.start(lane, b, to.b, part, parts);
    if (part + 1 < parts) return;
    atoms::commit_copies(lane);
    a_.advance(a), b_.advance(b);
    next_ = next_ + 1 == P.stages ? 0 : next_ + 1;
  }
  template <class Lane>
  TILERY_SIMT void settle(Lane lane, where at) {
    stage& to = memory_->stages[next_ == 0 ? P.stages - 1 : next_ - 1];
    a_.land(lane, to.a, at);
    b_.land(lane, to.b, at);
  }

  template <class Lane>
  TILERY_SIMT static void arrive(Lane lane, where at) {
    atoms::wait_copies<P.stages - 2>(lane, at);
    lane.sync_block(at);
  }

  shared* memory_;
  a_copy a_;
  b_copy b_;
  int now_ = 0, next_ = 0;
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
