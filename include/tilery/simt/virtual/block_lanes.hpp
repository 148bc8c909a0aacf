// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lanes of one block, and the choice of the lane that runs next. Each lane is a fiber, with a stack of its own
// (fiber.hpp); one host thread runs the lanes of a block in turn. A lane that must wait switches straight to the next
// ready lane of its block, or to the scheduler (grid.hpp) if no lane is ready. A lane waits at a barrier (block.hpp),
// in wait_until, or because it polls, that is, repeats an atomic until another lane changes the value (polling.hpp). If
// a lane throws or overflows its stack, the scheduler ends the other lanes of its cluster, and the launch stops. A verb
// is an operation of a lane, such as sync_block or a load; `verb` (block_events.hpp) names those in which a lane can
// wait.
#pragma once
#pragma GCC system_header

#include <tilery/simt/index.hpp>
#include <tilery/simt/virtual/block_events.hpp>
#include <tilery/simt/virtual/fault.hpp>
#include <tilery/simt/virtual/fiber.hpp>
#include <tilery/simt/virtual/lane_set.hpp>
#include <tilery/simt/virtual/polling.hpp>
#include <tilery/simt/virtual/stack_guard.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <map>
#include <string>
#include <vector>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// Thrown inside a lane that the scheduler ends early, so that the lane's destructors run. It is never reported as an
/// error.
struct lane_cancelled {};

/// The base class of `Block`. `Block` has run_kernel(rank), which executes the kernel for one lane, and
/// lane_ended(rank), which is called after a lane has ended. lane_ended() may throw a fault_error: with
/// virtual_gpu::options::stop_at_first, the first fault ends the launch.
template <class Block>
class block_lanes : public stack_owner {
public:
  explicit block_lanes(int threads)
      : threads_(threads),
        lanes_(static_cast<std::size_t>(threads)),
        polls_(static_cast<std::size_t>(threads)),
        ready_(threads) {}

  // Called by the scheduler of the grid -------------------------------------------------------------------------------

  /// Runs the lanes until all have ended, none can continue, or one has failed. Returns true if a lane is still alive.
  bool resume(fiber& scheduler) {
    scheduler_ = &scheduler;
    const int next = ready_.next(0);
    stack_owner* const outer = std::exchange(guarded, this);  // a stack overflow now concerns this block
    if (next >= 0) scheduler.switch_to(lane(next).self);
    guarded = outer;
    return live_ > 0;
  }
  /// Ends all lanes that are still alive. The destructors of the objects on their stacks run.
  void cancel(fiber& scheduler) {
    cancelled_ = true;
    for (const lane_state& l : lanes_)
      if (l.alive) ready_.insert(l.rank);
    while (live_ > 0) resume(scheduler);
  }

  /// True if a lane is still alive.
  bool lives() const { return live_ > 0; }
  /// True if a lane is ready to run.
  bool has_ready_lane() const { return ready_.next(0) >= 0; }
  /// Makes all lanes that wait in the verb `waiting_in` ready to run.
  void wake(verb waiting_in) {
    for (const lane_state& l : lanes_)
      if (l.doing == waiting_in) ready_.insert(l.rank);
  }
  /// Counts the lanes that wait in the verb `what`.
  int lanes_in(verb what) const {
    return static_cast<int>(
        std::count_if(lanes_.begin(), lanes_.end(), [&](const lane_state& l) { return l.alive && l.doing == what; }));
  }
  /// Returns the places where the live lanes wait, as text: one line for each verb and source line, with the ranks of
  /// the lanes that wait there.
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

  /// The exception of the first lane that failed; null if no lane has failed.
  std::exception_ptr failure() const { return failure_; }
  /// True once cancel() has been called for the current block.
  bool cancelled() const { return cancelled_; }
  /// Counts the events after which other lanes may be able to continue: a lane returns from wait_until, an atomic of a
  /// lane finds another value than the lane's previous atomic at this address, or a lane ends. The scheduler (grid.hpp)
  /// takes a resume() of a cluster as progress if the sum of these counts has changed, if fewer lanes poll after it
  /// than before it, or if all lanes of the cluster have ended.
  std::uint64_t progress() const { return progress_; }
  /// The index of this block in the grid.
  index3 at() const { return at_; }

  // Called by lanes ---------------------------------------------------------------------------------------------------

  /// Lets another lane of the block run first, if one is ready.
  void yield(int rank) {
    const int next = ready_.next((rank + 1) % threads_);
    if (next >= 0 && next != rank) lane(rank).self.switch_to(lane(next).self);
    if (cancelled_) throw lane_cancelled{};
  }
  /// Returns when done() is true; other lanes and other blocks run meanwhile.
  template <class Done>
  void wait_until(int rank, Done done, where at) {
    while (!done()) suspend(rank, verb::wait_until, at);
    ++progress_;
  }
  /// Called before each atomic that reads the value at the address `place`. Lets other lanes and other blocks run if
  /// the lane polls, and at every 1024th atomic that is not detected as polling (polling.hpp). look() returns the
  /// current value there. `changes`: true if the atomic is going to change this value.
  template <class Look>
  void before_atomic(int rank, const void* place, Look look, bool changes, where at) {
    polling& polls = polls_[static_cast<std::size_t>(rank)];
    std::uint64_t value = look();
    if (polls.lets_others_run(place, value, changes)) {
      suspend(rank, verb::poll, at);
      value = look();
    }
    if (polls.finds(place, value)) ++progress_;
  }
  /// Notes that an atomic of this lane has changed the value at `place`. If the lane's next atomic there finds the
  /// value that the lane itself has written, this does not yet count as polling.
  void after_change(int rank, const void* place) { polls_[static_cast<std::size_t>(rank)].changes(place); }

  /// True if the address is in the guard pages of a live lane's stack.
  bool guards(const void* address) const override { return lane_of_guard(address) >= 0; }

protected:
  /// Prepares all lanes to run the kernel from its beginning, for block `at` of the grid.
  void begin_lanes(index3 at) {
    at_ = at;
    failure_ = nullptr;
    cancelled_ = false;
    live_ = threads_;
    for (int i = 0; i < threads_; ++i) {
      lane_state& l = lane(i);
      l.owner = this, l.rank = i, l.alive = true, l.doing = verb::nothing;
      polls_[static_cast<std::size_t>(i)].forget();
      l.self.prepare(&block_lanes::run_lane, &l, i);
      ready_.insert(i);
    }
  }

  int threads() const { return threads_; }
  /// True if a lane has failed. Called at the end of each lane; failure() would be slower, because it copies an
  /// exception_ptr.
  bool failed() const { return failure_ != nullptr; }
  /// The number of lanes that have not ended.
  int live() const { return live_; }
  /// The lanes that can run: the running one, and those that wait for nothing.
  lane_set& ready() { return ready_; }

  /// Switches from a lane that must wait to the next ready lane, or to the scheduler if no lane is ready. Returns when
  /// the lane has been made ready again. Throws lane_cancelled if the lane must end early.
  void suspend(int rank, verb what, where at) {
    lane_state& l = lane(rank);
    l.doing = what, l.at = at;
    ready_.erase(rank);
    l.self.switch_to(next_fiber(rank));
    l.doing = verb::nothing;
    if (cancelled_) throw lane_cancelled{};
  }

  /// Returns the live lane whose guard pages contain this address; -1 if there is none.
  int lane_of_guard(const void* address) const {
    for (const lane_state& l : lanes_)
      if (l.alive && l.self.guards(address)) return l.rank;
    return -1;
  }
  /// Ends a lane that has overflowed its stack, without running the destructors of the objects on its stack, and
  /// stores the fault as the block's failure. `last`: the site of the lane's last verb. No lane of the block continues.
  [[noreturn]] void abandon(int rank, const site& last) {
    fault f;
    f.kind = fault_kind::stack_overflow;
    f.now.block = at_, f.now.lane = rank, f.now.site = last;
    f.missing =
        "the lane needs more than the " + std::to_string(stack_pool::bytes / 1024) + " KiB of stack that it has";
    failure_ = std::make_exception_ptr(fault_error({f}, {"", 0}));
    lane_state& l = lane(rank);
    l.alive = false;
    ready_.erase(rank);
    --live_;
    l.self.leave_to(*scheduler_);
  }

private:
  struct lane_state {
    block_lanes* owner = nullptr;
    int rank = 0;
    bool alive = true;
    verb doing = verb::nothing;  // the verb in which the lane waits; `nothing`: the lane does not wait
    where at{"", 0};             // the source line of its last wait
    fiber self;
  };

  lane_state& lane(int rank) { return lanes_[static_cast<std::size_t>(rank)]; }
  /// Returns the fiber of the first ready lane from lane `from` upwards, wrapping around; the scheduler if none is
  /// ready.
  fiber& next_fiber(int from) {
    const int next = ready_.next(from);
    return next < 0 ? *scheduler_ : lane(next).self;
  }

  /// The entry function of a lane's fiber.
  static void run_lane(void* argument) {
    auto& l = *static_cast<lane_state*>(argument);
    block_lanes& b = *l.owner;
    try {
      if (!b.cancelled_) static_cast<Block&>(b).run_kernel(l.rank);
    } catch (const lane_cancelled&) {
    } catch (...) {
      if (!b.failure_) b.failure_ = std::current_exception();
    }
    l.alive = false;
    b.ready_.erase(l.rank);
    --b.live_, ++b.progress_;
    try {
      static_cast<Block&>(b).lane_ended(l.rank);
    } catch (...) {
      if (!b.failure_) b.failure_ = std::current_exception();
    }
    // after a failure no lane of this block continues: the scheduler ends the remaining ones
    l.self.leave_to(b.failure_ && !b.cancelled_ ? *b.scheduler_ : b.next_fiber(l.rank));
  }

  int threads_;
  index3 at_;
  fiber* scheduler_ = nullptr;
  int live_ = 0;
  bool cancelled_ = false;
  std::uint64_t progress_ = 0;
  std::exception_ptr failure_;
  std::vector<lane_state> lanes_;
  std::vector<polling> polls_;  // by rank; not in lane_state, so that loops over lanes_ touch less memory
  lane_set ready_;
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
