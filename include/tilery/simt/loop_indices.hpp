// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The indices of a parallel loop, as its threads take them. Each thread has a consecutive range of its own, so that its
// data stays in its cache. A thread that has finished its range takes indices from the other ranges, because cores of a
// shared machine differ in speed.
#pragma once
#pragma GCC system_header

#include <tilery/core/annotations.hpp>

#include <atomic>
#include <cstdint>
#include <vector>

namespace tilery::inline TILERY_ABI {

/// The indices [0, n) of one loop, cut into a range for each of its threads.
class loop_indices {
public:
  /// Prepares the indices [0, n) for threads 0 to threads - 1. No thread may be taking indices. Throws std::bad_alloc.
  void reset(int threads, std::int64_t n) {
    if (ranges_.size() < static_cast<std::size_t>(threads)) ranges_ = std::vector<range>(threads);
    threads_ = threads;
    n_ = n;
    taken_at_once_ = n / (16 * threads) + 1;  // about 1/16 of a range
    finished_.store(0, std::memory_order_relaxed);
    std::int64_t begin = 0;
    for (int t = 0; t < threads; ++t) {
      ranges_[t].next.store(begin, std::memory_order_relaxed);
      ranges_[t].end = begin += n / threads + (t < n % threads);
    }
  }

  /// Calls body(i) for indices of the range of thread `thread`, then of the other ranges, until no index is left to be
  /// taken.
  template <class Body>
  void take(int thread, const Body& body) {
    std::int64_t count = 0;
    for (int t = 0; t < threads_; ++t) {
      range& from = ranges_[(thread + t) % threads_];
      while (from.next.load(std::memory_order_relaxed) < from.end) {
        const std::int64_t begin = from.next.fetch_add(taken_at_once_, std::memory_order_relaxed);
        const std::int64_t end = begin + taken_at_once_ < from.end ? begin + taken_at_once_ : from.end;
        for (std::int64_t i = begin; i < end; ++i) body(i);
        if (begin < end) count += end - begin;
      }
    }
    finished_.fetch_add(count, std::memory_order_acq_rel);
  }

  /// Drops all indices that no thread has taken yet. Body calls for indices that are taken go on.
  void drop_rest() {
    for (int t = 0; t < threads_; ++t) ranges_[t].next = ranges_[t].end;
  }

  /// True if body(i) has returned for every index. Then all writes of these calls are visible to the caller.
  bool finished() const { return finished_.load(std::memory_order_acquire) == n_; }

private:
  /// The indices [next, end) of one thread's range that are not taken yet. Each range is in cache lines of its own.
  struct alignas(128) range {
    std::atomic<std::int64_t> next = 0;
    std::int64_t end = 0;
  };

  std::vector<range> ranges_;
  int threads_ = 0;
  std::int64_t n_ = 0, taken_at_once_ = 1;
  alignas(128) std::atomic<std::int64_t> finished_ = 0;
};

}  // namespace tilery::inline TILERY_ABI
