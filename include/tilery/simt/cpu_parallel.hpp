// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host's parallel loop. The caller works, too, and waits only for helpers that have begun: on a busy machine a
// helper that gets no core costs nothing. Each thread has consecutive indices of its own, for the caches' sake, and
// helps the others when it is done: cores of a shared machine differ in speed. (An OpenMP loop ends when its last
// thread has woken up, which made a training run 40 times slower beside two compilers; Thrust's loop is the same, and
// adds 4 to 7 seconds to a unit under nvcc.)
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <sched.h>
#include <unistd.h>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// The cores that this process may run on.
inline int host_threads() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return CPU_COUNT(&allowed);
  const unsigned all = std::thread::hardware_concurrency();
  return all ? static_cast<int>(all) : 1;
}

/// Threads that wait for loops; one pool a program. They spin for a tenth of a millisecond after a loop, then sleep.
class helper_threads {
public:
  static helper_threads& shared() {
    static helper_threads pool;
    return pool;
  }

  ~helper_threads() {
    stop_ = true;
    ++round_;
    round_.notify_all();
    const bool forked = getpid() != home_;  // a child has the objects of its parent's threads, but not the threads
    for (std::thread& t : threads_) forked ? t.detach() : t.join();
  }

  /// body(context, i) for each i in [0, n) on the caller and at most `helpers` others. Runs on the caller alone where
  /// another loop has the pool, its own outer loop included, and in a forked child, which has no helpers.
  void run(int helpers, std::int64_t n, void (*body)(const void*, std::int64_t), const void* context) {
    if (helpers < 1 || getpid() != home_ || taken_.test_and_set(std::memory_order_acquire)) {
      for (std::int64_t i = 0; i < n; ++i) body(context, i);
      return;
    }
    start_threads(helpers);
    make_shares(helpers + 1, n);
    body_ = body, context_ = context;
    places_ = 1;  // the caller's is 0
    failure_ = nullptr;
    open_ = true;
    ++round_;
    round_.notify_all();

    work(0);

    open_ = false;  // nobody begins any more; those who have begun are waited for
    for (int spins = 0; inside_ != 0; ++spins) spins < 4096 ? pause() : std::this_thread::yield();
    const std::exception_ptr failure = failure_;
    taken_.clear(std::memory_order_release);
    if (failure) std::rethrow_exception(failure);
  }

private:
  /// Indices of one thread, taken some at a time, by itself at first. Alone in its cache lines.
  struct alignas(128) share {
    std::atomic<std::int64_t> next = 0;
    std::int64_t end = 0;
  };

  helper_threads() = default;

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  void start_threads(int wanted) {
    try {
      while (static_cast<int>(threads_.size()) < wanted)
        threads_.emplace_back([this, seen = round_.load()] { serve(seen); });
    } catch (const std::system_error&) {  // no more threads to be had: go on with these
    }
  }

  void serve(std::uint32_t seen) {
    for (;;) {
      for (int spins = 0; spins < 2000 && round_ == seen; ++spins) pause();
      round_.wait(seen);
      seen = round_;
      if (stop_) return;
      ++inside_;
      if (open_)
        if (const int place = places_++; place < workers_) work(place);
      --inside_;
    }
  }

  void make_shares(int workers, std::int64_t n) {
    if (shares_.size() < static_cast<std::size_t>(workers)) shares_ = std::vector<share>(workers);
    workers_ = workers;
    step_ = n / (8 * workers) + 1;
    std::int64_t begin = 0;
    for (int w = 0; w < workers; ++w) {
      shares_[w].next = begin;
      shares_[w].end = begin += n / workers + (w < n % workers);
    }
  }

  /// Takes indices until none is left: from the share in this place, then from the next ones.
  void work(int place) {
    for (int i = 0; i < workers_; ++i) {
      share& from = shares_[(place + i) % workers_];
      for (;;) {
        const std::int64_t begin = from.next.fetch_add(step_);
        if (begin >= from.end) break;
        const std::int64_t end = begin + step_ < from.end ? begin + step_ : from.end;
        try {
          for (std::int64_t index = begin; index < end; ++index) body_(context_, index);
        } catch (...) {
          const std::lock_guard lock(failure_mutex_);
          if (!failure_) failure_ = std::current_exception();
          for (int w = 0; w < workers_; ++w) shares_[w].next = shares_[w].end;
        }
      }
    }
  }

  const pid_t home_ = getpid();
  std::vector<std::thread> threads_;
  std::atomic_flag taken_;
  std::atomic<std::uint32_t> round_ = 0;
  std::atomic<bool> stop_ = false, open_ = false;
  std::atomic<int> inside_ = 0, places_ = 0;  // in the loop; taken of its shares
  std::vector<share> shares_;
  int workers_ = 1;
  std::int64_t step_ = 1;
  void (*body_)(const void*, std::int64_t) = nullptr;
  const void* context_ = nullptr;
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

/// body(i) for each i in [0, n), on at most `threads` threads, in any order: results must not depend on it. The first
/// exception reaches the caller.
template <class Body>
void parallel_for(int threads, std::int64_t n, const Body& body) {
  if (n < threads) threads = static_cast<int>(n);
  helper_threads::shared().run(
      threads - 1, n, [](const void* context, std::int64_t i) { (*static_cast<const Body*>(context))(i); }, &body);
}

}  // namespace tilery::inline TILERY_ABI
