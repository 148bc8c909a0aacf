// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host's parallel loop: each index once, nested and concurrent loops, exceptions, a program that forks or has no
// memory, and the caller's floating-point mode.
#include <tilery/cpu.hpp>
#include <tilery/gemm.hpp>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cfenv>
#include <chrono>
#include <cstdlib>
#include <new>
#include <numeric>
#include <set>
#include <stdexcept>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {

/// While it is set, this thread has no memory.
thread_local bool no_memory = false;

}  // namespace

void* operator new(std::size_t bytes) {
  if (no_memory) throw std::bad_alloc();
  if (void* memory = std::malloc(bytes ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace tilery;

std::vector<int> visits(int threads, int n) {
  std::vector<std::atomic<int>> count(static_cast<std::size_t>(n));
  parallel_for(threads, n, [&](std::int64_t i) { ++count[static_cast<std::size_t>(i)]; });
  return {count.begin(), count.end()};
}

TEST(parallel_for, visits_each_index_once) {
  for (const int threads : {1, 2, 3, 8})
    for (const int n : {0, 1, 2, 7, 64, 1000})
      EXPECT_EQ(visits(threads, n), std::vector<int>(static_cast<std::size_t>(n), 1)) << threads << " " << n;
}

TEST(parallel_for, is_ready_for_the_next_loop_at_once) {
  std::atomic<std::int64_t> sum = 0;
  for (int round = 0; round < 20000; ++round) parallel_for(3, 5, [&](std::int64_t i) { sum += i; });
  EXPECT_EQ(sum, 20000 * 10);
}

TEST(parallel_for, a_thread_that_is_done_helps_the_others) {
  // Whoever takes index 0 stays with it until the other thread has done all but what was taken along with 0.
  constexpr int n = 64, taken_along = 8;
  std::atomic<int> done = 0;
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  parallel_for(2, n, [&](std::int64_t i) {
    while (i == 0 && done < n - taken_along && std::chrono::steady_clock::now() < late) std::this_thread::yield();
    ++done;
  });
  EXPECT_EQ(done, n);
  EXPECT_LT(std::chrono::steady_clock::now(), late);
}

TEST(parallel_for, may_be_nested_and_called_from_several_threads) {
  std::atomic<int> count = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round)
        parallel_for(3, 4, [&](std::int64_t) { parallel_for(2, 3, [&](std::int64_t) { ++count; }); });
    });
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(count, 4 * 200 * 12);
}

TEST(parallel_for, hands_the_first_exception_to_the_caller_and_goes_on_working) {
  for (const int threads : {1, 2, 4}) {
    EXPECT_THROW(parallel_for(threads, 100,
                              [](std::int64_t i) {
                                if (i == 37) throw std::runtime_error("37");
                              }),
                 std::runtime_error);
    EXPECT_EQ(visits(threads, 50), std::vector<int>(50, 1));
  }
}

TEST(parallel_for, begins_the_second_phase_when_the_first_has_ended) {
  for (const int threads : {1, 2, 3, 8})
    for (const auto& [n_first, n_second] : {std::pair(0, 5), {5, 0}, {1, 64}, {64, 1}, {3, 3}, {200, 300}})
      for (int round = 0; round < 50; ++round) {
        std::vector<int> first(static_cast<std::size_t>(n_first)), second(static_cast<std::size_t>(n_second));
        parallel_for(
            threads, n_first, [&](std::int64_t i) { ++first[static_cast<std::size_t>(i)]; }, n_second,
            [&](std::int64_t i) {
              second[static_cast<std::size_t>(i)] += std::accumulate(first.begin(), first.end(), 1);
            });
        ASSERT_EQ(first, std::vector<int>(static_cast<std::size_t>(n_first), 1)) << threads;
        ASSERT_EQ(second, std::vector<int>(static_cast<std::size_t>(n_second), n_first + 1)) << threads;
      }
}

TEST(parallel_for, hands_an_exception_of_either_phase_to_the_caller) {
  for (const int threads : {1, 2, 4})
    for (const bool in_first : {true, false}) {
      std::atomic<int> seconds = 0;
      const auto fail_at_37 = [](bool fails, std::int64_t i) {
        if (fails && i == 37) throw std::runtime_error("37");
      };
      EXPECT_THROW(parallel_for(
                       threads, 100, [&](std::int64_t i) { fail_at_37(in_first, i); }, 100,
                       [&](std::int64_t i) {
                         ++seconds;
                         fail_at_37(!in_first, i);
                       }),
                   std::runtime_error);
      EXPECT_TRUE(!in_first || seconds == 0) << "the first phase did not end";
      EXPECT_EQ(visits(threads, 50), std::vector<int>(50, 1));
    }
}

#if defined(__linux__)
// The processor on which a helper would share the caller's time is not among those that it may run on.
TEST(parallel_for, keeps_helpers_off_the_processor_of_their_caller) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  if (CPU_COUNT(&allowed) < 2) GTEST_SKIP() << "there is one processor";
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // helpers are asleep, if there are some
  const auto caller = std::this_thread::get_id();
  std::atomic<int> of_helpers = 0, restricted = 0;
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  parallel_for(2, 2, [&](std::int64_t) {
    if (std::this_thread::get_id() == caller) {
      while (of_helpers == 0 && std::chrono::steady_clock::now() < late) std::this_thread::yield();
      return;
    }
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof(mine), &mine) == 0) restricted += CPU_COUNT(&mine) == CPU_COUNT(&allowed) - 1;
    ++of_helpers;
  });
  EXPECT_GE(of_helpers, 1);
  EXPECT_EQ(restricted, of_helpers);
}

TEST(parallel_for, has_helpers_beside_a_caller_that_may_run_on_one_processor_alone) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(visits(3, 64), std::vector<int>(64, 1));
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(visits(3, 64), std::vector<int>(64, 1));
}
#endif

// Ahead of the tests in which helpers keep memory: a leak checker takes a child's copy of it for lost.
TEST(parallel_for, works_in_a_forked_child_whose_helpers_are_gone) {
  visits(3, 10);
  const pid_t child = fork();
  if (child == 0) std::exit(visits(3, 10) == std::vector<int>(10, 1) ? 0 : 1);  // ends static objects, too
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/// The number of threads that work on a loop whose indices wait for each other, up to a second.
std::size_t threads_of_a_loop(int threads) {
  std::mutex mutex;
  std::set<std::thread::id> seen;
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  parallel_for(threads, threads, [&](std::int64_t) {
    for (;;) {
      {
        const std::lock_guard lock(mutex);
        seen.insert(std::this_thread::get_id());
        if (static_cast<int>(seen.size()) == threads) return;
      }
      if (std::chrono::steady_clock::now() > late) return;
      std::this_thread::yield();
    }
  });
  return seen.size();
}

TEST(parallel_for, goes_on_with_all_threads_after_a_loop_without_memory) {
  constexpr int many = 23;  // more threads than any loop of this program has had
  std::vector<int> count(100);
  no_memory = true;
  parallel_for(many, 100, [&](std::int64_t i) { ++count[static_cast<std::size_t>(i)]; });
  no_memory = false;
  EXPECT_EQ(count, std::vector<int>(100, 1));
  EXPECT_EQ(threads_of_a_loop(3), 3u);
  EXPECT_EQ(threads_of_a_loop(many), std::size_t{many});

  EXPECT_THROW(parallel_for(2, 10, [](std::int64_t) { throw std::bad_alloc(); }), std::bad_alloc);
  EXPECT_EQ(threads_of_a_loop(2), 2u);
}

TEST(parallel_for, runs_under_the_floating_point_mode_of_the_caller) {
  const auto thirds = [](int threads) {  // of 1 / 3, rounded as each thread rounds
    std::vector<double> results(64);
    std::set<std::thread::id> seen;
    std::mutex mutex;
    parallel_for(threads, 64, [&](std::int64_t i) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(200);
      volatile double one = 1, three = 3;
      while (std::chrono::steady_clock::now() < until) results[static_cast<std::size_t>(i)] = one / three;
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    });
    return std::pair(results, seen.size());
  };
  const auto nearest = thirds(3);
  EXPECT_GT(nearest.second, 1u);
  ASSERT_EQ(std::fesetround(FE_UPWARD), 0);
  const auto upward = thirds(3);
  ASSERT_EQ(std::fesetround(FE_TONEAREST), 0);
  EXPECT_GT(upward.second, 1u);
  EXPECT_EQ(upward.first, std::vector<double>(64, std::nextafter(nearest.first[0], 1.0)));
  EXPECT_EQ(thirds(3).first, nearest.first) << "the helpers have their own mode again";
}

#if defined(__x86_64__)
TEST(parallel_for, flushes_to_zero_on_every_thread_or_on_none) {
  constexpr int n = 320;
  std::vector<float> a(n * n, 1e-30f), b(n * n, 1e-12f), c(n * n);
  const auto product = [&](int threads) {
    gemm(cpu(threads), matrix(a.data(), n, n), matrix(b.data(), n, n), matrix(c.data(), n, n));
    return c;
  };
  const auto kept = product(1);
  EXPECT_GT(kept[0], 0);
  EXPECT_EQ(product(4), kept);
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);  // flush to zero, denormals are zero
  const auto flushed = product(1), flushed_by_four = product(4);
  _mm_setcsr(before);
  EXPECT_EQ(flushed, std::vector<float>(n * n, 0.0f));
  EXPECT_EQ(flushed_by_four, flushed);
  EXPECT_EQ(product(4), kept);
}
#endif

TEST(parallel_for, gives_the_same_bits_from_several_host_threads_and_from_inside_a_loop) {
  constexpr int n = 192;
  std::vector<float> a(n * n), b(n * n);
  for (int i = 0; i < n * n; ++i)
    a[static_cast<std::size_t>(i)] = static_cast<float>(i % 97) / 7,
    b[static_cast<std::size_t>(i)] = static_cast<float>(i % 89) / 9;
  const auto product = [&] {
    std::vector<float> c(n * n);
    gemm(cpu(3), matrix(a.data(), n, n), matrix(b.data(), n, n), matrix(c.data(), n, n));
    return c;
  };
  const auto expected = product();
  std::atomic<int> right = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t)
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) right += product() == expected;
    });
  for (std::thread& t : callers) t.join();
  parallel_for(3, 20, [&](std::int64_t) { right += product() == expected; });
  EXPECT_EQ(right, 80);
  const pid_t child = fork();
  if (child == 0) std::_Exit(product() == expected ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "in a forked child";
}

TEST(parallel_for, may_be_left_by_exit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto leave_from = [](bool by_the_caller) {
    const auto caller = std::this_thread::get_id();
    for (;;)
      parallel_for(4, 4096, [&](std::int64_t i) {
        if (i < 0 || i >= 4096) std::_Exit(9);  // an index of memory that is no more
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
        while (std::chrono::steady_clock::now() < until) continue;
        if (i > 1000 && (std::this_thread::get_id() == caller) == by_the_caller) std::exit(7);
      });
  };
  EXPECT_EXIT(leave_from(false), testing::ExitedWithCode(7), "");
  EXPECT_EXIT(leave_from(true), testing::ExitedWithCode(7), "");
}

}  // namespace
