// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Interrupts: the first asks, the second ends the program, and the handlers of before come back.
#include "examples/io/interrupt.hpp"

#include <csignal>

#include <gtest/gtest.h>

namespace {

using namespace tilery_examples;

int handled = 0;
void old_handler(int) { ++handled; }

TEST(interrupt, first_signal_only_asks) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const interrupt_guard guard;
    EXPECT_FALSE(interrupted());
    std::raise(signal);
    EXPECT_TRUE(interrupted());
    EXPECT_EQ(interrupt_signal, signal);
  }
  EXPECT_TRUE(interrupted()) << "the program may still ask after the guard";
}

TEST(interrupt_death_test, second_signal_ends_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto raise_both = [](int first, int second) {
    const interrupt_guard guard;
    std::raise(first);
    std::raise(second);
  };
  EXPECT_EXIT(raise_both(SIGINT, SIGINT), testing::KilledBySignal(SIGINT), "");
  EXPECT_EXIT(raise_both(SIGINT, SIGTERM), testing::KilledBySignal(SIGTERM), "");
}

TEST(interrupt, handlers_come_back) {
  std::signal(SIGINT, &old_handler);
  {
    const interrupt_guard outer;
    {
      const interrupt_guard inner;
      std::raise(SIGINT);
    }
    EXPECT_TRUE(interrupted());
    EXPECT_EQ(handled, 0);
  }
  std::raise(SIGINT);
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(std::signal(SIGINT, SIG_DFL), &old_handler);
}

TEST(interrupt, ignored_signals_stay_ignored) {
  std::signal(SIGINT, SIG_IGN);
  {
    const interrupt_guard guard;
    std::raise(SIGINT);
    EXPECT_FALSE(interrupted());
  }
  EXPECT_EQ(std::signal(SIGINT, SIG_DFL), SIG_IGN);
}

}  // namespace
