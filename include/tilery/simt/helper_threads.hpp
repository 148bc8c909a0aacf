// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pool of helper threads for the host's parallel loops (simt/cpu_parallel.hpp has the rules of such a loop). A gate
// is an atomic number through which helpers join a loop. The caller of a loop opens the gate, works itself, closes the
// gate, and waits for the helpers that came through it; so a helper that gets no core costs nothing. Joining a loop and
// leaving it take one atomic operation each.
#pragma once
#pragma GCC system_header

#include <tilery/simt/loop_indices.hpp>

#include <pthread.h>
#include <sched.h>
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

/// A loop with one or two phases: body(context, 0, i) for each i in [0, n[0]), then body(context, 1, i) for each i in
/// [0, n[1]).
struct phased_loop {
  static constexpr int most_phases = 2;

  int phases = 1;
  std::int64_t n[most_phases] = {};
  void (*body)(const void* context, int phase, std::int64_t i) = nullptr;
  const void* context = nullptr;
};

/// The pool of helper threads, one for the program. After a loop, a helper spins for about 0.1 ms, then sleeps.
class helper_threads {
public:
  /// Runs a loop on the calling thread and at most `helpers` helper threads. The calling thread runs alone in a forked
  /// child, after the end of the pool, while another loop (or the loop that encloses the call) uses the pool, and if
  /// memory for the helpers is missing.
  static void run(int helpers, const phased_loop& loop) {
    if (helpers >= 1 && !ended_.load(std::memory_order_relaxed) && !forked_.load(std::memory_order_relaxed)) {
      // The object is never destroyed. A loop may still run after the end of the pool: on a detached thread, or
      // because a loop's body has called exit().
      static helper_threads& pool = *new helper_threads;
      static const end_of_life at_the_end{pool};
      if (pool.runs(helpers < most_helpers ? helpers : most_helpers, loop)) return;
    }
    for (int phase = 0; phase < loop.phases; ++phase)
      for (std::int64_t i = 0; i < loop.n[phase]; ++i) loop.body(loop.context, phase, i);
  }

private:
  /// Ends the helper threads at the end of the program, or when the shared library that holds the pool is closed.
  struct end_of_life {
    helper_threads& pool;
    ~end_of_life() { pool.end(); }
  };

  /// Ends the use of the pool at the end of the scope, so that another caller can take it.
  struct taken {
    std::atomic_flag& flag;
    ~taken() { flag.clear(std::memory_order_release); }
  };

  // The gate's 32 bits. Bits 0 to 11: the number of threads in the loop, its caller included. Bit 12: set while the
  // gate is closed. Bits 13 to 31: the number of the loop.
  static constexpr std::uint32_t closed = 1u << 12, next_loop = closed << 1;
  static constexpr int most_helpers = 1 << 11;
  static constexpr std::uint32_t loop_of(std::uint32_t gate) { return gate / next_loop; }
  static constexpr int threads_of(std::uint32_t gate) { return static_cast<int>(gate % closed); }

  helper_threads() {
    pthread_atfork(nullptr, nullptr, [] { forked_ = true; });
  }

  /// Runs a loop on the pool. Returns false, and runs nothing, if the pool cannot be used.
  bool runs(int helpers, const phased_loop& loop) {
    if (taken_.test_and_set(std::memory_order_acquire)) return false;
    const taken until_the_end{taken_};
    try {
      start_threads(helpers);
      for (int phase = 0; phase < loop.phases; ++phase) indices_[phase].reset(helpers + 1, loop.n[phase]);
    } catch (const std::bad_alloc&) {
      return false;
    }
    loop_ = loop;
    workers_ = helpers + 1;
    std::fegetenv(&mode_);
    failed_.store(false, std::memory_order_relaxed);
    left_.store(0, std::memory_order_relaxed);
    // Open the gate, then read the number of sleepers; a helper adds itself to the sleepers, then reads the gate. All
    // four are sequentially consistent: either this thread sees the sleeper, or the helper sees the open gate.
    gate_ = (loop_of(gate_.load(std::memory_order_relaxed)) + 1) * next_loop + 1;
    if (asleep_ > 0) wake();

    work(0);

    const int joined = threads_of(gate_.fetch_or(closed)) - 1;
    wait_until([&] { return left_.load(std::memory_order_acquire) == joined; });
    const std::exception_ptr failure = std::move(failure_);
    failure_ = nullptr;
    if (failure) std::rethrow_exception(failure);
    return true;
  }

  /// Starts helper threads until there are `wanted`, or the system refuses more.
  void start_threads(int wanted) {
    if (static_cast<int>(threads_.size()) >= wanted) return;
    threads_.reserve(static_cast<std::size_t>(wanted));
    try {
      while (static_cast<int>(threads_.size()) < wanted)
        threads_.emplace_back([this, seen = loop_of(gate_)] { serve(seen); });
    } catch (const std::system_error&) {  // the system refuses more threads: go on with those that were started
    }
    avoided_processor_ = -1;
    avoid_this_processor();
  }

  void wake() {
    avoid_this_processor();
    gate_.notify_all();
  }

  /// Keeps the helpers off the processor that the caller runs on. Without this, Linux often wakes a helper on that
  /// processor, and leaves it there for some 4 ms while another processor idles: a loop of 0.1 ms would run on its
  /// caller alone.
  void avoid_this_processor() {
    const int here = sched_getcpu();
    if (here < 0 || here >= CPU_SETSIZE || here == avoided_processor_) return;
    cpu_set_t others;
    if (sched_getaffinity(0, sizeof(others), &others) != 0) return;
    CPU_CLR(static_cast<std::size_t>(here), &others);
    if (CPU_COUNT(&others) == 0) return;
    for (std::thread& t : threads_) pthread_setaffinity_np(t.native_handle(), sizeof(others), &others);
    avoided_processor_ = here;
  }

  /// Waits for loops and takes part in them, until the end of the pool: the function of a helper thread. `seen` is the
  /// number of the last loop that the helper knows.
  void serve(std::uint32_t seen) {
    for (;;) {
      std::uint32_t gate = gate_;
      for (int spins = 0; spins < 4000 && loop_of(gate) == seen; ++spins, gate = gate_) pause();
      if (loop_of(gate) == seen) {
        ++asleep_;
        while (loop_of(gate = gate_) == seen && !stop_) gate_.wait(gate);
        --asleep_;
      }
      if (stop_) return;
      seen = loop_of(gate);
      if (gate & closed) continue;
      gate = gate_.fetch_add(1);  // joins the loop; the old count of threads is this helper's number in it
      seen = loop_of(gate);
      if (gate & closed) continue;
      if (const int thread = threads_of(gate); thread < workers_) {
        std::fenv_t mine;
        std::fegetenv(&mine);
        std::fesetenv(&mode_);
        work(thread);
        std::fesetenv(&mine);
      }
      left_.fetch_add(1, std::memory_order_release);
    }
  }

  /// Runs body for indices of the loop, as thread number `thread` of it (0: the caller). A phase begins when all
  /// indices of the phase before it are done.
  void work(int thread) {
    try {
      for (int phase = 0; phase < loop_.phases; ++phase) {
        indices_[phase].take(thread, [&](std::int64_t i) { loop_.body(loop_.context, phase, i); });
        if (phase + 1 < loop_.phases)
          wait_until([&] { return indices_[phase].finished() || failed_.load(std::memory_order_relaxed); });
      }
    } catch (...) {
      const std::lock_guard lock(failure_mutex_);
      if (!failure_) failure_ = std::current_exception();
      for (loop_indices& all : indices_) all.drop_rest();
      failed_ = true;
    }
  }

  /// Waits until holds() is true: spins for a while, then lets other threads run between the tests.
  template <class Condition>
  static void wait_until(const Condition& holds) {
    for (int spins = 0; !holds(); ++spins) spins < 4096 ? pause() : std::this_thread::yield();
  }

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  /// Ends all helper threads.
  void end() {
    ended_ = true;
    stop_ = true;
    gate_ = (loop_of(gate_) + 1) * next_loop + closed;
    gate_.notify_all();
    // A forked child has the objects of its parent's threads, but not the threads.
    for (std::thread& t : threads_) forked_ || t.get_id() == std::this_thread::get_id() ? t.detach() : t.join();
  }

  inline static std::atomic<bool> ended_ = false, forked_ = false;  // usable until the program ends: no destructor
  std::vector<std::thread> threads_;
  std::atomic_flag taken_;
  int avoided_processor_ = -1;  // the processor on which no helper runs; -1: none

  phased_loop loop_;
  int workers_ = 1;     // most threads of the loop, its caller included
  std::fenv_t mode_{};  // the floating-point mode of the caller
  loop_indices indices_[phased_loop::most_phases];
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  std::atomic<bool> failed_ = false;

  // No two of the three counters share a cache line, because helpers spin on the gate.
  alignas(128) std::atomic<std::uint32_t> gate_ = closed;
  alignas(128) std::atomic<int> left_ = 0;    // helpers that have left the loop
  alignas(128) std::atomic<int> asleep_ = 0;  // helpers that sleep
  std::atomic<bool> stop_ = false;
};

}  // namespace tilery::inline TILERY_ABI
