// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The virtual GPU's scheduler. A worker is a host thread that runs one cluster of blocks after another (most clusters
// have one block). A cluster waits for memory if its lanes wait for a value that another block may write. Meanwhile the
// worker starts the next cluster, up to the limit of resident blocks, so that resident blocks may wait for each other.
// A block is resident from the start of its cluster until all blocks of this cluster have ended. If no lane of any
// worker can continue, the launch is deadlocked, and the report lists the source line at which each lane waits. A lane
// polls if it repeats an atomic until another lane changes the value (polling.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/simt/virtual/cluster.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <system_error>
#include <thread>

namespace tilery::inline TILERY_ABI {

namespace virtual_machine {

/// True while this host thread runs the blocks of a launch. A launch by a thread for which this is true comes from
/// inside a lane, and is refused.
inline thread_local bool inside_a_kernel = false;

class grid {
public:
  explicit grid(const grid_of_blocks& what, watch_maker new_watch = {})
      : what_(what), new_watch_(std::move(new_watch)) {}

  /// Runs each block once. Throws the first exception that a lane has thrown, or a fault that describes a deadlock.
  /// `at`: the line of the launch. At most `workers` host threads run blocks, the calling thread included.
  ///
  /// Seed. With seed 0, clusters start in the order of their numbers. Otherwise the order is changed within each group
  /// of successive clusters that can be resident together (`resident_blocks` blocks). Therefore a block may still wait
  /// for blocks of lower numbers, as on a GPU: all blocks of a group can be resident at once. But a block that does not
  /// wait, and relies on starting after a block of a lower number, may start before that block.
  void run(int workers, int resident_blocks, where at, std::uint64_t seed = 0) {
    seed_ = seed;
    workers_ = active_workers_ = static_cast<int>(std::min(std::int64_t{workers}, clusters()));
    resident_ = resident_blocks;
    if (inside_a_kernel)
      throw error(std::string(what_.kernel) + " is launched from inside a kernel; nested launches are not supported",
                  at);
    std::vector<std::thread> others;
    try {
      for (int i = 1; i < workers_; ++i) others.emplace_back([this] { work(); });
    } catch (const std::system_error&) {  // the system has no more threads: continue with those that have started
      const std::lock_guard lock(mutex_);
      active_workers_ -= workers_ - 1 - static_cast<int>(others.size());
    }
    work();
    for (std::thread& t : others) t.join();
    if (failure_) std::rethrow_exception(failure_);
    if (deadlock_) {
      fault f;
      f.kind = fault_kind::deadlock;
      f.kernel = what_.kernel;
      f.missing = std::string(what_.kernel) + " is in a deadlock: no lane can make progress";
      for (const std::string& part : reports_) f.missing += part;
      throw fault_error({f}, at);
    }
  }

private:
  using clusters_of_worker = std::vector<std::unique_ptr<cluster>>;

  std::int64_t clusters() const { return what_.blocks.volume() / what_.cluster; }

  /// Runs clusters on this host thread until no work is left; then the worker has ended.
  void work() {
    inside_a_kernel = true;
    run_clusters();
    inside_a_kernel = false;
    const std::lock_guard lock(mutex_);
    --active_workers_;
    ++progress_;
  }

  /// Runs clusters until the worker has no work left or the launch stops; then ends the clusters that still wait.
  void run_clusters() {
    const stack_guard on_this_thread;
    fiber scheduler;
    scheduler.be_thread();
    clusters_of_worker waiting;
    try {
      run_clusters(waiting, scheduler);
    } catch (...) {
      fail(std::current_exception());
    }
    for (const auto& c : waiting) {
      if (deadlock_) report(*c);
      c->cancel(scheduler);
    }
  }

  /// Starts clusters while there is room. Then resumes the clusters of `waiting` in rounds, and starts further clusters
  /// after each round, until none waits or the launch stops.
  void run_clusters(clusters_of_worker& waiting, fiber& scheduler) {
    clusters_of_worker unused;  // clusters that have ended: their memory is reused
    while (start_next(waiting, unused, scheduler)) {
    }
    std::uint64_t quiet_since = 0;  // the last value of progress_; quiet_rounds counts the rounds since it changed
    for (std::int64_t quiet_rounds = 0; !waiting.empty() && !stop_; ++quiet_rounds) {
      const std::uint64_t progress_before = progress_;
      if (progress_before != quiet_since) quiet_since = progress_before, quiet_rounds = 0;
      bool progressed = false;
      for (std::size_t i = 0; i < waiting.size() && !stop_;) {
        const std::uint64_t progress = waiting[i]->progress();
        const int polling = waiting[i]->polling();
        waiting[i]->look_again();
        const bool waits = run_cluster(*waiting[i], scheduler);
        // A lane that has stopped polling counts as progress: it may write a value that another cluster, resumed
        // earlier in this round, waits for.
        progressed = progressed || !waits || waiting[i]->progress() != progress || waiting[i]->polling() < polling;
        if (waits) {
          ++i;
        } else {
          resident_now_ -= what_.cluster;
          unused.push_back(std::move(waiting[i]));
          waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
      if (progressed) ++progress_;
      while (start_next(waiting, unused, scheduler)) {
      }
      if (progressed) continue;
      if (is_patient(waiting, quiet_rounds))
        std::this_thread::yield();
      else if (is_deadlocked(progress_before))
        break;
    }
  }

  /// True if the worker must go on resuming its clusters before it votes for a deadlock: a lane polls, and fewer than
  /// polling::patience rounds have passed without progress. The lane may still give up and do something else.
  static bool is_patient(const clusters_of_worker& waiting, std::int64_t quiet_rounds) {
    return quiet_rounds < polling::patience &&
           std::any_of(waiting.begin(), waiting.end(), [](const auto& c) { return c->polling() > 0; });
  }

  /// Starts the next cluster of the grid and runs it until it ends or waits. A cluster that waits is added to
  /// `waiting`. Returns false if no cluster is left, if the launch stops, or if at least `resident_` blocks are
  /// resident. A cluster starts as a whole: if there is room for one block, the whole cluster starts, even if the limit
  /// is then exceeded.
  bool start_next(clusters_of_worker& waiting, clusters_of_worker& unused, fiber& scheduler) {
    if (stop_ || next_ >= clusters()) return false;
    if (resident_now_.fetch_add(what_.cluster) >= resident_) {
      resident_now_ -= what_.cluster;
      return false;
    }
    const std::int64_t index = next_.fetch_add(1);
    if (index >= clusters()) return false;
    if (unused.empty()) unused.push_back(std::make_unique<cluster>(what_, new_watch_));
    cluster& c = *unused.back();
    c.begin(position(start_order(index) * what_.cluster), what_);
    if (run_cluster(c, scheduler)) {
      waiting.push_back(std::move(unused.back()));
      unused.pop_back();
    } else {
      resident_now_ -= what_.cluster;
    }
    ++progress_;
    return true;
  }

  /// Runs a cluster until it ends, waits or fails. Returns true if it waits for memory. If a lane has failed, or if
  /// lanes wait but none of them for memory (a deadlock), stops the launch, ends the cluster and returns false.
  bool run_cluster(cluster& c, fiber& scheduler) {
    const bool left = c.resume(scheduler);
    if (c.failure()) {
      c.cancel(scheduler);
      fail(c.failure());
      return false;
    }
    if (left && !c.waits_for_memory()) {  // no block outside of the cluster can wake its lanes
      deadlock_ = true;
      report(c);
      stop_ = true;
      c.cancel(scheduler);
      return false;
    }
    return left;
  }

  /// Votes for a deadlock, and returns true if the launch is deadlocked. A worker votes after a round: it has resumed
  /// all of its waiting clusters, without progress. `progress_before` is the value of progress_ before the round. The
  /// vote counts only if no worker has made progress since then. When every worker that has not ended has voted for one
  /// value of progress_, no lane can continue.
  bool is_deadlocked(std::uint64_t progress_before) {
    {
      const std::lock_guard lock(mutex_);
      if (progress_ == progress_before) {
        voters_ = votes_for_ == progress_before ? std::move(voters_) : std::vector<std::thread::id>{};
        votes_for_ = progress_before;
        if (std::find(voters_.begin(), voters_.end(), std::this_thread::get_id()) == voters_.end())
          voters_.push_back(std::this_thread::get_id());
        if (static_cast<int>(voters_.size()) == active_workers_) {
          deadlock_ = stop_ = true;
          return true;
        }
      }
    }
    std::this_thread::yield();
    return false;
  }

  /// Stores the first exception, and stops all workers.
  void fail(std::exception_ptr what) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = what;
    stop_ = true;
  }

  /// Notes where the lanes of a cluster wait, for the report of a deadlock.
  void report(const cluster& c) {
    const std::lock_guard lock(mutex_);
    reports_.push_back(c.where_lanes_wait());
  }

  /// Returns the number of the cluster that starts as the i-th one (i from 0). With a seed, permutes each group of
  /// `together` clusters: j -> (j * step + shift) mod size, which is a permutation because gcd(step, size) = 1. `step`
  /// and `shift` come from a hash of the seed and of the group's first cluster.
  std::int64_t start_order(std::int64_t i) const {
    if (seed_ == 0) return i;
    const std::int64_t together = std::max(resident_ / what_.cluster, 1), first = i / together * together;
    const std::int64_t size = std::min(together, clusters() - first);
    const std::uint64_t drawn = (seed_ + static_cast<std::uint64_t>(first)) * 0x9e3779b97f4a7c15u;
    std::int64_t step = 1 + static_cast<std::int64_t>((drawn >> 33) % static_cast<std::uint64_t>(size));
    while (std::gcd(step, size) != 1) ++step;
    const std::int64_t shift = static_cast<std::int64_t>((drawn >> 17) % static_cast<std::uint64_t>(size));
    return first + ((i - first) * step + shift) % size;
  }
  /// Returns the index in the grid of block number `i`.
  index3 position(std::int64_t i) const {
    return {static_cast<int>(i % what_.blocks.x), static_cast<int>(i / what_.blocks.x % what_.blocks.y),
            static_cast<int>(i / (std::int64_t{what_.blocks.x} * what_.blocks.y))};
  }

  grid_of_blocks what_;
  watch_maker new_watch_;
  int workers_ = 1;
  int resident_ = 1;  // a cluster starts only while fewer blocks are resident
  std::uint64_t seed_ = 0;
  int active_workers_ = 1;              // workers that have not ended
  std::atomic<std::int64_t> next_ = 0;  // the next cluster in the order of starts; clusters() or more: none is left
  std::atomic<int> resident_now_ = 0;   // resident blocks of all workers
  std::atomic<std::uint64_t> progress_ = 1;  // counts events after which another worker may go on
  std::uint64_t votes_for_ = 0;              // the value of progress_ for which `voters_` have voted
  std::vector<std::thread::id> voters_;
  std::atomic<bool> stop_ = false, deadlock_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::vector<std::string> reports_;  // where the lanes wait, for the report of a deadlock
};

}  // namespace virtual_machine

}  // namespace tilery::inline TILERY_ABI
