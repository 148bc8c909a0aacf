// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host's parallel loop. The caller works, too, and waits only for helpers that have begun: on a busy machine a
// helper that gets no core costs nothing. (An OpenMP loop ends when its last thread has woken up, which made a training
// run 40 times slower beside two compilers; Thrust's loop is the same, and adds 4 to 7 seconds to a unit under nvcc.)
#pragma once

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
    body_ = body, context_ = context, n_ = n;
    step_ = n / (8 * (helpers + 1)) + 1;
    next_ = 0;
    places_ = helpers;
    failure_ = nullptr;
    open_ = true;
    ++round_;
    round_.notify_all();

    work();

    open_ = false;  // nobody begins any more; those who have begun are waited for
    for (int spins = 0; inside_ != 0; ++spins) spins < 4096 ? pause() : std::this_thread::yield();
    const std::exception_ptr failure = failure_;
    taken_.clear(std::memory_order_release);
    if (failure) std::rethrow_exception(failure);
  }

private:
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
      if (open_ && places_.fetch_sub(1) > 0) work();
      --inside_;
    }
  }

  /// Takes ranges of the loop until none is left.
  void work() {
    for (;;) {
      const std::int64_t begin = next_.fetch_add(step_);
      if (begin >= n_) return;
      const std::int64_t end = begin + step_ < n_ ? begin + step_ : n_;
      try {
        for (std::int64_t i = begin; i < end; ++i) body_(context_, i);
      } catch (...) {
        const std::lock_guard lock(failure_mutex_);
        if (!failure_) failure_ = std::current_exception();
        next_ = n_;
      }
    }
  }

  const pid_t home_ = getpid();
  std::vector<std::thread> threads_;
  std::atomic_flag taken_;
  std::atomic<std::uint32_t> round_ = 0;
  std::atomic<bool> stop_ = false, open_ = false;
  std::atomic<int> inside_ = 0, places_ = 0;
  std::atomic<std::int64_t> next_ = 0;
  std::int64_t n_ = 0, step_ = 1;
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
