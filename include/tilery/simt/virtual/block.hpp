// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One block of the virtual GPU: its lanes as fibers, its shared memory and its barriers. A lane that must wait switches
// straight to the next lane that can run. The last lane to arrive at a barrier continues without a switch.
#pragma once
#pragma GCC system_header

#include <tilery/simt/index.hpp>
#include <tilery/simt/virtual/barriers.hpp>
#include <tilery/simt/virtual/block_events.hpp>
#include <tilery/simt/virtual/fiber.hpp>
#include <tilery/simt/virtual/polling.hpp>
#include <tilery/simt/virtual/stack_guard.hpp>
#include <tilery/simt/virtual/warp_meeting.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// Thrown inside a lane that the scheduler ends early, so that the lane's destructors run. It is never reported as an
/// error.
struct lane_cancelled {};

class block final : public stack_owner {
public:
  static constexpr int warp_lanes = warp_meeting::lanes;
  using lane_text = void (*)(block& self, int rank, const void* params);

  /// `events` receives the block's events (see block_events); null for an unchecked block.
  block(int threads, int bytes_of_shared, std::unique_ptr<block_events> events = nullptr, tensor_model tensors = {})
      : events_(std::move(events)),
        tensors_(tensors),
        threads_(threads),
        lanes_(static_cast<std::size_t>(threads)),
        polls_(lanes_.size()),
        warps_(static_cast<std::size_t>((threads + warp_lanes - 1) / warp_lanes)),
        ready_((static_cast<std::size_t>(threads) + 63) / 64),
        waiting_(ready_.size()),
        shared_bytes_(static_cast<std::size_t>(bytes_of_shared)),
        shared_(static_cast<std::byte*>(::operator new (shared_bytes_, std::align_val_t{128}))) {}

  /// Prepares the block to run as block `at` of a grid of `of` blocks. Fills the shared memory with NaN, so that no
  /// value of an earlier block remains.
  void begin(index3 at, index3 of, lane_text text, const void* params, cluster_meeting& cluster) {
    at_ = at, of_ = of, text_ = text, params_ = params, cluster_ = &cluster;
    cluster.live += threads_;
    failure_ = nullptr;
    cancelled_ = false;
    live_ = threads_;
    arrived_ = 0;
    std::fill_n(shared_.get(), shared_bytes_, std::byte{0xff});  // NaN in every floating-point type
    std::fill(waiting_.begin(), waiting_.end(), 0);
    barriers_.clear();
    for (warp_meeting& w : warps_) w.live = w.arrived = 0;
    for (int i = 0; i < threads_; ++i) {
      lane_state& l = lanes_[static_cast<std::size_t>(i)];
      l.owner = this, l.rank = i, l.alive = true, l.doing = verb::nothing;
      polls_[static_cast<std::size_t>(i)].forget();
      l.self.prepare(&block::live_and_leave, &l, i);
      warps_[static_cast<std::size_t>(i / warp_lanes)].live |= 1u << (i % warp_lanes);
      set(ready_, i);
    }
    if (events_) events_->begins(*this);
  }

  /// Runs the lanes until all have ended or none can continue. Returns true if a lane is still alive.
  bool resume(fiber& scheduler) {
    scheduler_ = &scheduler;
    const int next = next_ready(0);
    stack_owner* const outer = std::exchange(guarded, this);
    if (next >= 0) scheduler.switch_to(lanes_[static_cast<std::size_t>(next)].self);
    guarded = outer;
    return live_ > 0;
  }

  /// True if a lane is still alive.
  bool lives() const { return live_ > 0; }
  /// True if a lane is ready to run.
  bool can_go_on() const { return next_ready(0) >= 0; }
  /// Makes all lanes that wait in this verb ready to run.
  void wake(verb waiting_in) {
    for (int i = 0; i < threads_; ++i)
      if (lanes_[static_cast<std::size_t>(i)].doing == waiting_in) set(ready_, i);
  }
  /// Counts the lanes that wait in this verb.
  int lanes_in(verb what) const {
    return static_cast<int>(
        std::count_if(lanes_.begin(), lanes_.end(), [&](const lane_state& l) { return l.alive && l.doing == what; }));
  }

  /// Ends all lanes that are still alive, running the destructors of their stacks.
  void cancel(fiber& scheduler) {
    cancelled_ = true;
    for (int i = 0; i < threads_; ++i)
      if (lanes_[static_cast<std::size_t>(i)].alive) set(ready_, i);
    while (live_ > 0) resume(scheduler);
  }

  /// Lists where the live lanes wait: one line of text for all lanes that wait in the same verb at the same source
  /// line.
  std::string where_lanes_wait() const {
    std::map<std::pair<std::string, std::string>, std::vector<int>> places;
    for (const lane_state& l : lanes_)
      if (l.alive)
        places[{name_of(l.doing), std::string(l.at.file) + ":" + std::to_string(l.at.line)}].push_back(l.rank);
    std::string text;
    for (const auto& [place, ranks] : places) {
      text += "\n  block (" + std::to_string(at_.x) + ", " + std::to_string(at_.y) + ", " + std::to_string(at_.z) +
              "), lanes" + ranges(ranks);
      text += " wait in " + place.first + " at " + place.second;
    }
    return text;
  }

  bool guards(const void* address) const override { return whose_guard(address) >= 0; }
  /// Called when a lane has overflowed its stack. The lane is abandoned without running its destructors, and no lane of
  /// the block continues.
  [[noreturn]] void overflowed(const void* address) override {
    const int rank = whose_guard(address);
    lane_state& l = lanes_[static_cast<std::size_t>(rank)];
    fault f;
    f.kind = fault_kind::stack_overflow;
    f.now.block = at_, f.now.lane = rank;
    if (events_) f.now.site = events_->last_site(rank);
    f.missing =
        "the lane needs more than the " + std::to_string(stack_pool::bytes / 1024) + " KiB of stack that it has";
    failure_ = std::make_exception_ptr(fault_error({f}, {"", 0}));
    l.alive = false;
    clear(ready_, rank);
    --live_;
    warps_[static_cast<std::size_t>(rank / warp_lanes)].live &= ~(1u << (rank % warp_lanes));
    l.self.leave_to(*scheduler_);
  }

  std::exception_ptr failure() const { return failure_; }
  /// Counts the events that may let other lanes continue: a lane returns from wait_until, a polling lane finds another
  /// value, or a lane ends. If resume() does not change this count, the block made no progress.
  std::uint64_t moves() const { return moves_; }

  // Called by lanes ---------------------------------------------------------------------------------------------------

  index3 at() const { return at_; }
  index3 of() const { return of_; }
  const cluster_meeting& cluster() const { return *cluster_; }
  int cluster_rank() const { return at_.x % static_cast<int>(cluster_->blocks.size()); }
  void* shared() const { return shared_.get(); }
  std::uint32_t live_lanes(int warp) const { return warps_[static_cast<std::size_t>(warp)].live; }
  bool cancelled() const { return cancelled_; }
  std::size_t shared_bytes() const { return shared_bytes_; }
  block_events* events() const { return events_.get(); }

  void sync_block(int rank, where at) {
    if (arrived_ + 1 == live_) {
      arrived_ = 0;
      release_waiting();
      return;
    }
    ++arrived_;
    set(waiting_, rank);
    suspend(rank, verb::sync_block, at);
  }

  void sync_cluster(int rank, where at) {
    if (++cluster_->arrived == cluster_->live)
      release_cluster();
    else
      suspend(rank, verb::sync_cluster, at);
  }

  /// A barrier of a warp at which each lane passes 8 bytes to the other lanes. Returns the table of these values,
  /// indexed by lane; the entry after the last lane is the mask of the lanes that arrived. If `work` is given, it is
  /// executed once for all 32 lanes before they continue, and each value is the address of a lane's operands.
  const std::uint64_t* meet_warp(int rank, verb what, std::uint64_t value, where at, warp_work work = nullptr) {
    warp_meeting& w = warps_[static_cast<std::size_t>(rank / warp_lanes)];
    const std::uint64_t* const table = w.come(rank, what, value, at, work, at_);
    if (w.arrived == w.live) {
      release_warp(rank / warp_lanes);
    } else {
      suspend(rank, what, at);
    }
    return table;
  }

  virtual_machine::barriers& barriers() { return barriers_; }
  /// Begins the next phase of an mbarrier if its current phase is complete, and wakes the lanes that wait for it.
  /// Reports copies that bring more bytes than the phase expects.
  void turn(const void* address) {
    mbarrier_state& b = barriers_.at(address);
    if (events_ && b.overfull()) events_->too_many_bytes(address, -std::exchange(b.missing_bytes, 0));
    if (!virtual_machine::barriers::turn(b)) return;
    if (events_) events_->phase_over(address, b);
    wake(address);
  }
  /// Wakes the lanes that wait at an mbarrier, because its phase is complete or because a new copy must land: waiting
  /// lanes make the copies land.
  void wake(const void* address) {
    mbarrier_state& b = barriers_.at(address);
    for (const int lane : b.waiting) set(ready_, lane);
    b.waiting.clear();
  }
  /// Returns when the mbarrier's phase of this parity is complete.
  void wait_mbarrier(int rank, const void* address, std::uint32_t parity, where at) {
    mbarrier_state& b = barriers_.at(address);
    while (b.expected > 0 && (b.phase & 1) == parity) {
      virtual_machine::barriers::land(b);
      turn(address);
      if ((b.phase & 1) != parity) break;
      b.waiting.push_back(rank);
      suspend(rank, verb::wait_mbarrier, at);
    }
  }
  /// The lane arrives at a named barrier that expects `lanes` lanes. With `waits` it returns only when all of them have
  /// arrived.
  void come_to_named(int rank, int number, int lanes, bool waits, where at) {
    named_barrier& b = barriers_.number(number);
    b.expected = lanes;
    if (waits) b.waiting.push_back(rank);
    if (++b.arrived == lanes) {
      std::vector<int> woken = std::move(b.waiting);
      b = {};
      if (events_) events_->named_over(number);
      for (const int lane : woken) set(ready_, lane);
      return;
    }
    if (waits) suspend(rank, verb::sync_named, at);
  }

  /// Lets another ready lane run first.
  void yield(int rank) {
    const int next = next_ready((rank + 1) % threads_);
    if (next >= 0 && next != rank)
      lanes_[static_cast<std::size_t>(rank)].self.switch_to(lanes_[static_cast<std::size_t>(next)].self);
    if (cancelled_) throw lane_cancelled{};
  }

  /// Returns when done() is true; other lanes and other blocks run meanwhile.
  template <class Done>
  void wait_until(int rank, Done done, where at) {
    while (!done()) suspend(rank, verb::wait_until, at);
    ++moves_;
  }
  /// Called before an atomic on the address `place`, whose current value look() returns. If the lane polls (see
  /// polling.hpp), other lanes and other blocks run first. `changes`: true if the atomic is going to change the value.
  template <class Look>
  void before_atomic(int rank, const void* place, Look look, bool changes, where at) {
    polling& polls = polls_[static_cast<std::size_t>(rank)];
    std::uint64_t value = look();
    if (polls.lets_others_run(place, value, changes)) {
      suspend(rank, verb::poll, at);
      value = look();
    }
    if (polls.finds(place, value)) ++moves_;
  }
  /// Called after an atomic that changed the value at `place`.
  void after_change(int rank, const void* place) { polls_[static_cast<std::size_t>(rank)].changes(place); }

private:
  struct lane_state {
    block* owner = nullptr;
    int rank = 0;
    bool alive = true;
    verb doing = verb::nothing;
    where at{"", 0};
    fiber self;
  };
  struct free_shared {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{128}); }
  };
  using mask = std::vector<std::uint64_t>;

  static void set(mask& m, int i) { m[static_cast<std::size_t>(i) / 64] |= std::uint64_t{1} << (i % 64); }
  static void clear(mask& m, int i) { m[static_cast<std::size_t>(i) / 64] &= ~(std::uint64_t{1} << (i % 64)); }

  /// Returns the first ready lane from lane `from` upwards, wrapping around; -1 if no lane is ready.
  int next_ready(int from) const {
    const std::size_t words = ready_.size();
    std::size_t word = static_cast<std::size_t>(from) / 64;
    std::uint64_t bits = ready_[word] & (~std::uint64_t{0} << (from % 64));
    for (std::size_t i = 0; i <= words; ++i) {
      if (bits) return static_cast<int>(word * 64) + std::countr_zero(bits);
      word = word + 1 == words ? 0 : word + 1;
      bits = ready_[word];
    }
    return -1;
  }

  int whose_guard(const void* address) const {
    for (const lane_state& l : lanes_)
      if (l.alive && l.self.guards(address)) return l.rank;
    return -1;
  }

  /// Switches from a lane that must wait to the next ready lane, or to the scheduler if there is none.
  void suspend(int rank, verb what, where at) {
    lane_state& l = lanes_[static_cast<std::size_t>(rank)];
    l.doing = what, l.at = at;
    clear(ready_, rank);
    const int next = next_ready(rank);
    fiber& target = next < 0 ? *scheduler_ : lanes_[static_cast<std::size_t>(next)].self;
    l.self.switch_to(target);
    l.doing = verb::nothing;
    if (cancelled_) throw lane_cancelled{};
  }

  void release_waiting() {
    if (events_) events_->block_met(live_);
    for (std::size_t i = 0; i < ready_.size(); ++i) ready_[i] |= waiting_[i], waiting_[i] = 0;
  }

  void release_cluster() {
    cluster_->arrived = 0;
    if (events_) events_->cluster_met(*cluster_);
    for (block* b : cluster_->blocks) b->wake(verb::sync_cluster);
  }

  void release_warp(int warp) {
    warp_meeting& w = warps_[static_cast<std::size_t>(warp)];
    const std::uint32_t came = w.over(warp, at_, tensors_);
    ready_[static_cast<std::size_t>(warp) / 2] |= std::uint64_t{came} << (warp % 2 * warp_lanes);
    if (events_) events_->warp_met(warp, w.meeting, came);
  }

  /// Releases the barriers at which only this lane, which has ended, was missing.
  void meet_without(int rank) {
    if (arrived_ == live_ && live_ > 0) {
      arrived_ = 0;
      release_waiting();
    }
    warp_meeting& w = warps_[static_cast<std::size_t>(rank / warp_lanes)];
    w.live &= ~(1u << (rank % warp_lanes));
    if (w.arrived && w.arrived == w.live) release_warp(rank / warp_lanes);
    if (cluster_->live > 0 && cluster_->arrived == cluster_->live) release_cluster();
  }

  /// The entry function of a lane's fiber: runs the kernel, then removes the lane from its block's barriers.
  static void live_and_leave(void* argument) {
    auto& l = *static_cast<lane_state*>(argument);
    block& b = *l.owner;
    try {
      if (!b.cancelled_) b.text_(b, l.rank, b.params_);
    } catch (const lane_cancelled&) {
    } catch (...) {
      if (!b.failure_) b.failure_ = std::current_exception();
    }
    l.alive = false;
    clear(b.ready_, l.rank);
    --b.live_, --b.cluster_->live, ++b.moves_;
    try {  // a check may throw here (options::stop_at_first)
      if (!b.cancelled_ && !b.failure_) b.meet_without(l.rank);
      if (b.live_ == 0 && b.events_) b.events_->ends();
    } catch (...) {
      if (!b.failure_) b.failure_ = std::current_exception();
    }
    // after a failure no lane of this block continues: the scheduler ends the remaining ones
    const int next = b.failure_ && !b.cancelled_ ? -1 : b.next_ready(l.rank);
    l.self.leave_to(next < 0 ? *b.scheduler_ : b.lanes_[static_cast<std::size_t>(next)].self);
  }

  std::unique_ptr<block_events> events_;
  tensor_model tensors_;
  int threads_;
  index3 at_, of_;
  lane_text text_ = nullptr;
  const void* params_ = nullptr;
  cluster_meeting* cluster_ = nullptr;
  fiber* scheduler_ = nullptr;
  int live_ = 0;
  int arrived_ = 0;
  bool cancelled_ = false;
  std::uint64_t moves_ = 0;
  std::exception_ptr failure_;
  std::vector<lane_state> lanes_;
  std::vector<polling> polls_;  // by lane; not in lane_state, because few kernels poll
  std::vector<warp_meeting> warps_;
  mask ready_, waiting_;
  virtual_machine::barriers barriers_;
  std::size_t shared_bytes_;
  std::unique_ptr<std::byte, free_shared> shared_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
