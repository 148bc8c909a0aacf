// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One block of the virtual GPU: its shared memory, and the barriers at which its lanes wait: sync_block, sync_cluster,
// the collectives of a warp (sync_warp, shuffles, votes and warp instructions such as an mma), mbarriers and named
// barriers. Each lane has a stack of its own, and the host thread switches between them (block_lanes.hpp). The lane
// that completes a barrier continues immediately, without such a switch.
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/barriers.hpp>
#include <tilery/simt/virtual/block_lanes.hpp>
#include <tilery/simt/virtual/warp_collective_state.hpp>

#include <memory>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

class block final : public block_lanes<block> {
public:
  static constexpr int warp_lanes = warp_collective_state::lanes;
  /// Runs the kernel for the lane of this rank of the block.
  using lane_function = void (*)(block& self, int rank, const void* params);

  /// Allocates the host memory of a block. The object runs many blocks of a grid, one after another: begin() begins
  /// each of them. `events`: receives the block's events (block_events.hpp) and checks them; null for an unchecked
  /// block. `tensors`: the arithmetic of the tensor cores (tensor_model.hpp).
  block(int threads, int bytes_of_shared, std::unique_ptr<block_events> events = nullptr, tensor_model tensors = {})
      : block_lanes(threads),
        events_(std::move(events)),
        tensors_(tensors),
        warps_(static_cast<std::size_t>((threads + warp_lanes - 1) / warp_lanes)),
        waiting_(threads),
        shared_bytes_(static_cast<std::size_t>(bytes_of_shared)),
        shared_(static_cast<std::byte*>(::operator new (shared_bytes_, std::align_val_t{128}))) {}

  /// Prepares the block to run `kernel` as block `at` of a grid of `of` blocks. `cluster`: the state of the block's
  /// cluster. Fills the shared memory with NaN, so that no value of an earlier block remains.
  void begin(index3 at, index3 of, lane_function kernel, const void* params, cluster_state& cluster) {
    of_ = of, kernel_ = kernel, params_ = params, cluster_ = &cluster;
    cluster.live += threads();
    arrived_ = 0;
    std::fill_n(shared_.get(), shared_bytes_, std::byte{0xff});  // NaN in every floating-point type of 8 or more bits
    waiting_.clear();
    barriers_.clear();
    for (int first = 0; first < threads(); first += warp_lanes) {
      warp_collective_state& w = warp_of(first);
      w.live = ~0u >> (warp_lanes - std::min(warp_lanes, threads() - first));
      w.arrived = 0;
    }
    begin_lanes(at);
    if (events_) events_->begins(*this);
  }

  /// The number of blocks of the grid in each dimension.
  index3 of() const { return of_; }
  const cluster_state& cluster() const { return *cluster_; }
  int cluster_rank() const { return at().x % static_cast<int>(cluster_->blocks.size()); }
  void* shared() const { return shared_.get(); }
  std::size_t shared_bytes() const { return shared_bytes_; }
  /// The lanes of a warp that have not ended, as a bit mask.
  std::uint32_t live_lanes(int warp) const { return warps_[static_cast<std::size_t>(warp)].live; }
  block_events* events() const { return events_.get(); }

  // Barriers of all lanes of a block, a cluster or a warp -------------------------------------------------------------
  // `rank` is the lane that arrives, `at` the source line at which it arrives.

  void sync_block(int rank, where at) {
    if (arrived_ + 1 == live()) {
      release_block();
      return;
    }
    ++arrived_;
    waiting_.insert(rank);
    suspend(rank, verb::sync_block, at);
  }

  void sync_cluster(int rank, where at) {
    if (++cluster_->arrived == cluster_->live)
      release_cluster();
    else
      suspend(rank, verb::sync_cluster, at);
  }

  /// Arrives at a collective of a warp, a barrier at which each lane passes 8 bytes (`value`) to the other lanes.
  /// Returns the table of these values, indexed by the lane's index in the warp; entry 32 is the mask of the lanes that
  /// arrived. If `work` is given, it is the function of a warp instruction: it is executed once for all 32 lanes before
  /// they continue, and each value is the address of a lane's operands.
  const std::uint64_t* warp_collective(int rank, verb what, std::uint64_t value, where at, warp_work work = nullptr) {
    warp_collective_state& w = warp_of(rank);
    const std::uint64_t* const table = w.arrive(rank, what, value, at, work, this->at());
    if (w.arrived == w.live)
      release_warp(rank / warp_lanes);
    else
      suspend(rank, what, at);
    return table;
  }

  // mbarriers and named barriers --------------------------------------------------------------------------------------

  virtual_machine::barriers& barriers() { return barriers_; }
  /// Begins the next phase of an mbarrier if its current phase is complete, and wakes the lanes that wait for it. If
  /// all arrivals have come and the copies brought more bytes than the phase expects, a checked block tells its checks
  /// and drops the excess, so that the phase is complete; in an unchecked block the phase is never complete.
  void advance_phase(const void* mbarrier) {
    mbarrier_state& b = barriers_.at(mbarrier);
    if (events_ && b.overfull()) events_->too_many_bytes(mbarrier, -std::exchange(b.missing_bytes, 0));
    if (!virtual_machine::barriers::turn(b)) return;
    if (events_) events_->phase_complete(mbarrier, b);
    wake_mbarrier(mbarrier);
  }
  /// Makes the lanes that wait at an mbarrier ready to run. Called when the mbarrier's phase is complete, and when a
  /// new copy has been issued: a copy lands only when a lane that waits for its mbarrier runs.
  void wake_mbarrier(const void* mbarrier) {
    mbarrier_state& b = barriers_.at(mbarrier);
    for (const int lane : b.waiting) ready().insert(lane);
    b.waiting.clear();
  }
  /// Waits while the number of the mbarrier's current phase has this parity, as mbarrier.try_wait.parity does. Returns
  /// immediately if the mbarrier is not initialised.
  void wait_mbarrier(int rank, const void* mbarrier, std::uint32_t parity, where at) {
    mbarrier_state& b = barriers_.at(mbarrier);
    while (b.expected > 0 && (b.phase & 1) == parity) {
      virtual_machine::barriers::land(b);
      advance_phase(mbarrier);
      if ((b.phase & 1) != parity) break;
      b.waiting.push_back(rank);
      suspend(rank, verb::wait_mbarrier, at);
    }
  }
  /// Arrives at a named barrier that expects `lanes` lanes. With `waits` (bar.sync), returns only when all of these
  /// lanes have arrived; otherwise (bar.arrive) returns immediately.
  void arrive_at_named(int rank, int number, int lanes, bool waits, where at) {
    named_barrier& b = barriers_.number(number);
    b.expected = lanes;
    if (waits) b.waiting.push_back(rank);
    if (++b.arrived == lanes) {
      const std::vector<int> woken = std::move(b.waiting);
      b = {};
      if (events_) events_->named_complete(number);
      for (const int lane : woken) ready().insert(lane);
      return;
    }
    if (waits) suspend(rank, verb::sync_named, at);
  }

  /// Abandons the lane that has overflowed its stack: switches to the scheduler without running the lane's destructors.
  /// `address`: the address in the stack's guard pages that the lane has accessed. No lane of the block continues.
  [[noreturn]] void overflowed(const void* address) override {
    const int rank = lane_of_guard(address);
    warp_of(rank).live &= ~bit_of(rank);
    abandon(rank, events_ ? events_->last_site(rank) : site{});
  }

private:
  struct free_shared {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{128}); }
  };

  friend block_lanes<block>;
  void run_kernel(int rank) { kernel_(*this, rank, params_); }
  /// Called when a lane has ended. Completes each sync_block, sync_cluster and collective that only this lane had not
  /// reached, unless a lane of the block has failed or the block is ended early (cancel()). After the last lane, tells
  /// the checks that the block has ended.
  void lane_ended(int rank) {
    --cluster_->live;
    if (!cancelled() && !failed()) release_without(rank);
    if (!lives() && events_) events_->ends();
  }

  // Each of the next three functions makes the waiting lanes of a complete barrier ready to run.

  void release_block() {
    arrived_ = 0;
    if (events_) events_->block_complete(live());
    ready().take(waiting_);
  }
  void release_cluster() {
    cluster_->arrived = 0;
    if (events_) events_->cluster_complete(*cluster_);
    for (block* b : cluster_->blocks) b->wake(verb::sync_cluster);
  }
  void release_warp(int warp) {
    warp_collective_state& w = warps_[static_cast<std::size_t>(warp)];
    const std::uint32_t came = w.complete(at(), tensors_);
    ready().insert_warp(warp, came);
    if (events_) events_->warp_complete(warp, w.called, came);
  }
  /// Completes the sync_block, the collective of the lane's warp and the sync_cluster if all lanes but this one, which
  /// has ended, had reached them. Not inlined: otherwise the code that ends a lane would have a large stack frame, on
  /// the stack of every lane.
  [[gnu::noinline]] void release_without(int rank) {
    if (arrived_ == live() && live() > 0) release_block();
    warp_collective_state& w = warp_of(rank);
    w.live &= ~bit_of(rank);
    if (w.arrived && w.arrived == w.live) release_warp(rank / warp_lanes);
    if (cluster_->live > 0 && cluster_->arrived == cluster_->live) release_cluster();
  }

  warp_collective_state& warp_of(int rank) { return warps_[static_cast<std::size_t>(rank / warp_lanes)]; }
  /// The bit of a lane in a mask of its warp's lanes.
  static std::uint32_t bit_of(int rank) { return 1u << (rank % warp_lanes); }

  std::unique_ptr<block_events> events_;
  tensor_model tensors_;
  index3 of_;  // blocks of the grid
  lane_function kernel_ = nullptr;
  const void* params_ = nullptr;
  cluster_state* cluster_ = nullptr;
  int arrived_ = 0;  // number of lanes that wait in sync_block
  std::vector<warp_collective_state> warps_;
  lane_set waiting_;  // the lanes that wait in sync_block
  virtual_machine::barriers barriers_;
  std::size_t shared_bytes_;
  std::unique_ptr<std::byte, free_shared> shared_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
