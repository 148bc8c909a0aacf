// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host's parallel loop, and its pool of helper threads. The caller works, too, and waits only for helpers that have
// begun to work: on a busy machine, a helper that gets no core costs nothing. Each thread first runs a consecutive
// range of indices, for its cache, and then takes indices from the other ranges, because cores of a shared machine
// differ in speed. (An OpenMP loop ends only after its last thread has woken up: a training run took 40 times as long
// while two compilers ran beside it. Thrust's loop is an OpenMP loop, too, and adds 4 to 7 s of nvcc's time to a unit.)
//
// These rules hold for every loop, and so for each call of an op on the cpu executor:
// - Host threads. Any number of host threads may call at once. One caller gets the helpers; each other caller runs its
//   loop alone.
// - Nested loops. A loop that is started inside a loop runs on its caller alone.
// - fork. A forked child has no helpers: its loops run on their callers alone.
// - Rounding, flush to zero. Each index runs under the floating-point mode of the caller.
// - Exceptions. The first exception reaches the caller after all threads have left the loop. The pool stays usable.
// - Memory. If memory for the helpers is missing, the loop runs on its caller alone. The next loop tries again.
// - Static objects. Their constructors and destructors may call: before the pool starts and after it has ended, loops
//   run on their callers alone.
//
// Results do not depend on these rules: ops cut their work into the same pieces for any number of threads.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <unistd.h>
#include <atomic>
#include <cfenv>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// The pool of helper threads: one a program. After a loop, a helper spins for about 0.1 ms, then sleeps.
class helper_threads {
public:
  /// Calls body(context, i) for each i in [0, n), on the calling thread and at most `helpers` helper threads. The
  /// calling thread runs alone in a forked child, after the end of the pool, and while another loop (or the loop that
  /// encloses the call) uses the pool.
  static void run(int helpers, std::int64_t n, void (*body)(const void*, std::int64_t), const void* context) {
    if (helpers >= 1 && !ended_) {
      // The object is never destroyed. A loop may still run after the end of the pool: on a detached thread, or
      // because a loop's body has called exit().
      static helper_threads& pool = *new helper_threads;
      static const end_of_life at_the_end{pool};
      if (pool.shares_out(helpers, n, body, context)) return;
    }
    for (std::int64_t i = 0; i < n; ++i) body(context, i);
  }

private:
  /// Ends the helper threads at the end of the program, or when the shared library that holds the pool is closed.
  struct end_of_life {
    helper_threads& pool;
    ~end_of_life() { pool.end(); }
  };
  void end() {
    ended_ = true;
    stop_ = true;
    ++round_;
    round_.notify_all();
    const bool forked = getpid() != home_;  // a child has the objects of its parent's threads, but not the threads
    for (std::thread& t : threads_) forked || t.get_id() == std::this_thread::get_id() ? t.detach() : t.join();
  }

  /// A range of indices. Its own thread takes them first, several at once; then other threads take the rest. The
  /// alignment keeps each share in its own cache lines.
  struct alignas(128) share {
    std::atomic<std::int64_t> next = 0;
    std::int64_t end = 0;
  };

  /// Releases the pool at the end of the scope.
  struct taken {
    std::atomic_flag& flag;
    ~taken() { flag.clear(std::memory_order_release); }
  };

  helper_threads() = default;

  /// Runs a loop on the pool. Returns false, and runs nothing, if the pool cannot be used.
  bool shares_out(int helpers, std::int64_t n, void (*body)(const void*, std::int64_t), const void* context) {
    if (getpid() != home_ || taken_.test_and_set(std::memory_order_acquire)) return false;
    const taken until_the_end{taken_};
    try {
      start_threads(helpers);
      make_shares(helpers + 1, n);
    } catch (const std::bad_alloc&) {
      return false;
    }
    body_ = body, context_ = context;
    std::fegetenv(&mode_);
    places_ = 1;  // the caller's is 0
    failure_ = nullptr;
    open_ = true;
    ++round_;
    round_.notify_all();

    work(0);

    open_ = false;  // no further helper begins; the next line waits for the helpers that have begun
    for (int spins = 0; inside_ != 0; ++spins) spins < 4096 ? pause() : std::this_thread::yield();
    const std::exception_ptr failure = std::move(failure_);
    failure_ = nullptr;
    if (failure) std::rethrow_exception(failure);
    return true;
  }

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  void start_threads(int wanted) {
    threads_.reserve(static_cast<std::size_t>(wanted));
    try {
      while (static_cast<int>(threads_.size()) < wanted)
        threads_.emplace_back([this, seen = round_.load()] { serve(seen); });
    } catch (const std::system_error&) {  // the system refuses more threads: go on with those that were started
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
        if (const int place = places_++; place < workers_) {
          std::fenv_t mine;
          std::fegetenv(&mine);
          std::fesetenv(&mode_);
          work(place);
          std::fesetenv(&mine);
        }
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

  /// Runs indices until no share has any left: first those of share `place`, then those of the shares after it.
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

  inline static std::atomic<bool> ended_ = false;  // has no destructor: can be read until the program ends
  const pid_t home_ = getpid();
  std::vector<std::thread> threads_;
  std::atomic_flag taken_;
  std::atomic<std::uint32_t> round_ = 0;
  std::atomic<bool> stop_ = false, open_ = false;
  std::atomic<int> inside_ = 0, places_ = 0;  // helpers in the loop; shares that have a thread
  std::vector<share> shares_;
  int workers_ = 1;
  std::int64_t step_ = 1;
  void (*body_)(const void*, std::int64_t) = nullptr;
  const void* context_ = nullptr;
  std::fenv_t mode_{};  // the caller's floating-point mode
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

/// Calls body(i) for each i in [0, n), on at most `threads` host threads, in any order: results must not depend on the
/// order. The first exception reaches the caller. The top of this file has the rules for calls from several host
/// threads, and at the beginning and the end of a program.
template <class Body>
void parallel_for(int threads, std::int64_t n, const Body& body) {
  if (n < threads) threads = static_cast<int>(n);
  helper_threads::run(
      threads - 1, n, [](const void* context, std::int64_t i) { (*static_cast<const Body*>(context))(i); }, &body);
}

}  // namespace tilery::inline TILERY_ABI
