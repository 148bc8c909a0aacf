// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The host's parallel loop: each index once, nested and concurrent loops, exceptions, and a program that forks.
#include <tilery/simt/cpu_parallel.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <numeric>
#include <stdexcept>

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

TEST(parallel_for, works_in_a_forked_child_whose_helpers_are_gone) {
  visits(3, 10);
  const pid_t child = fork();
  if (child == 0) std::exit(visits(3, 10) == std::vector<int>(10, 1) ? 0 : 1);  // ends static objects, too
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
