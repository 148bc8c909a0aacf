// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The progress display: its words at each width, one line in place on a terminal, plain lines elsewhere.
#include "examples/report/progress.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "pseudo_terminal.hpp"

namespace {

using namespace tilery_examples;

using namespace std::chrono_literals;

const progress_state half{2, 10, 30'000, 60'000, 0.3413, 87'523, 12.4};

TEST(progress_text, quantities_have_three_digits) {
  EXPECT_EQ(short_quantity(0), "0.00");
  EXPECT_EQ(short_quantity(9.994), "9.99");
  EXPECT_EQ(short_quantity(9.996), "10.0");
  EXPECT_EQ(short_quantity(99.96), "100");
  EXPECT_EQ(short_quantity(999.4), "999");
  EXPECT_EQ(short_quantity(999.6), "1.00k");
  EXPECT_EQ(short_quantity(87'523), "87.5k");
  EXPECT_EQ(short_quantity(1.234e6), "1.23M");
  EXPECT_EQ(short_quantity(5e16), "50000T");
}

TEST(progress_text, times_read_like_a_clock) {
  EXPECT_EQ(clock_time(0), "0:00");
  EXPECT_EQ(clock_time(59.6), "1:00");
  EXPECT_EQ(clock_time(3599.4), "59:59");
  EXPECT_EQ(clock_time(3723), "1:02:03");
  EXPECT_EQ(clock_time(-1), "0:00");
  EXPECT_EQ(clock_time(1e30), "a long time");
  EXPECT_EQ(clock_time(std::numeric_limits<double>::quiet_NaN()), "a long time");
}

TEST(progress_text, line_drops_parts_until_it_fits) {
  const std::string bar = "  [====================>                   ]";  // its longest, 40 cells
  EXPECT_EQ(progress_line(half, 200), "epoch 2/10  50%" + bar + "  loss 0.3413  87.5k samples/s  0:12 left");
  EXPECT_EQ(progress_line(half, 68), "epoch 2/10  50%  [====>   ]  loss 0.3413  87.5k samples/s  0:12 left");
  EXPECT_EQ(progress_line(half, 67), "epoch 2/10  50%  [============>           ]  loss 0.3413  0:12 left");
  EXPECT_EQ(progress_line(half, 60), "epoch 2/10  50%  [========>        ]  loss 0.3413  0:12 left");
  EXPECT_EQ(progress_line(half, 40), "epoch 2/10  50%  loss 0.3413  0:12 left");
  EXPECT_EQ(progress_line(half, 30), "epoch 2/10  50%  loss 0.3413");
  EXPECT_EQ(progress_line(half, 12), "epoch 2/10  ");
  for (std::size_t width = 0; width < 200; ++width) EXPECT_LE(progress_line(half, width).size(), width);
}

TEST(progress_text, line_does_without_what_is_not_known) {
  EXPECT_EQ(progress_line({1, 2, 0, 100, std::nullopt, 0, std::nullopt}, 27), "epoch 1/2  0%  [>         ]");
  EXPECT_EQ(progress_line({1, 2, 150, 100, std::nullopt, 0, std::nullopt}, 29), "epoch 1/2  100%  [==========]");
  EXPECT_EQ(progress_line({1, 1, 0, 0, std::nullopt, 0, std::nullopt}, 16), "epoch 1/1  100%");
}

TEST(progress_text, epoch_line_says_what_is_known) {
  EXPECT_EQ(epoch_line({2, 10, 0.3413, 0.87614, 87'523, 4.12}),
            "epoch 2/10: loss 0.3413, test accuracy 87.61 %, 87.5k samples/s, 4.1 s");
  EXPECT_EQ(epoch_line({1, 1, std::nullopt, std::nullopt, 0, 123.4}), "epoch 1/1: 123 s");
}

struct progress_on_terminal : testing::Test {
  pseudo_terminal terminal{60};
  progress_on_terminal() { setenv("TERM", "xterm", 1); }
};

TEST_F(progress_on_terminal, draws_at_once_in_place_and_erases) {
  {
    progress display(2, 100, terminal.output());
    display.add(50, 1.25);
    const std::string drawn = terminal.shown();
    EXPECT_EQ(drawn.rfind("\repoch 1/2  50%  [", 0), 0U) << drawn;
    EXPECT_NE(drawn.find("loss 1.2500"), std::string::npos);
    EXPECT_EQ(drawn.substr(drawn.size() - 3), "\x1b[K");
    EXPECT_LE(drawn.size(), 59U + 4);
    EXPECT_EQ(drawn.find('\n'), std::string::npos);
  }
  EXPECT_EQ(terminal.shown(), "\r\x1b[K");
}

TEST_F(progress_on_terminal, draws_at_most_ten_times_a_second) {
  progress display(1, 1'000'000'000, terminal.output());
  const auto begin = std::chrono::steady_clock::now();
  std::string shown;
  while (std::chrono::steady_clock::now() - begin < 350ms) {
    for (int i = 0; i < 100; ++i) display.add(1, 1.0);
    shown += terminal.shown();
  }
  std::this_thread::sleep_for(110ms);
  display.add(1, 1.0);
  shown += terminal.shown();
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const auto draws = static_cast<double>(std::count(shown.begin(), shown.end(), '\r'));
  EXPECT_GE(draws, 2);
  EXPECT_LE(draws, elapsed * 10 + 1);
}

TEST_F(progress_on_terminal, follows_the_width) {
  progress display(1, 100, terminal.output());
  display.add(1, 1.0);
  terminal.shown();
  terminal.resize(13);
  std::this_thread::sleep_for(110ms);
  display.add(1, 1.0);
  EXPECT_EQ(terminal.shown(), "\repoch 1/1  2\x1b[K");
}

TEST_F(progress_on_terminal, leaves_a_line_for_each_epoch) {
  progress display(2, 100, terminal.output());
  display.add(100, 0.5);
  terminal.shown();
  display.end_epoch(0.75);
  const std::string shown = terminal.shown();
  EXPECT_EQ(shown.rfind("\r\x1b[Kepoch 1/2: loss 0.5000, test accuracy 75.00 %, ", 0), 0U) << shown;
  EXPECT_EQ(shown.substr(shown.size() - 4), " s\r\n");
}

TEST_F(progress_on_terminal, begins_in_the_middle_where_training_does) {
  progress display(4, 100, terminal.output());
  display.begin_at(2, 30);
  display.add(20, 0.5);
  EXPECT_EQ(terminal.shown().rfind("\repoch 3/4  50%", 0), 0U);
  std::this_thread::sleep_for(1100ms);
  display.add(20, 0.5);
  const std::string shown = terminal.shown();
  EXPECT_EQ(shown.rfind("\repoch 3/4  70%", 0), 0U) << shown;
  // 40 samples took over 1.1 seconds, so 130 more take over 3.5. As 270 samples in that time it would be under a
  // second.
  EXPECT_NE(shown.find(" left"), std::string::npos) << shown;
  for (const char* too_early : {"0:00 left", "0:01 left", "0:02 left"})
    EXPECT_EQ(shown.find(too_early), std::string::npos) << shown;
  display.end_epoch();
  EXPECT_NE(terminal.shown().find("epoch 3/4: loss 0.5000, "), std::string::npos);
}

TEST_F(progress_on_terminal, is_plain_on_a_dumb_terminal) {
  setenv("TERM", "dumb", 1);
  progress display(2, 100, terminal.output());
  display.add(100, 0.5);
  EXPECT_EQ(terminal.shown(), "");
}

TEST(progress_in_a_file, is_a_line_for_each_epoch) {
  std::FILE* file = std::tmpfile();
  {
    progress display(2, 100, file);
    display.add(25, 1.0);
    display.add(75, 2.0);
    display.end_epoch(0.5);
    display.say("saved");
    display.add(100);
    display.end_epoch();
  }
  std::rewind(file);
  char lines[3][200] = {};
  for (auto& line : lines) ASSERT_NE(std::fgets(line, sizeof line, file), nullptr);
  EXPECT_EQ(std::string(lines[0]).rfind("epoch 1/2: loss 1.7500, test accuracy 50.00 %, ", 0), 0U) << lines[0];
  EXPECT_STREQ(lines[1], "saved\n");
  EXPECT_EQ(std::string(lines[2]).find("loss"), std::string::npos) << lines[2];
  EXPECT_EQ(std::fgetc(file), EOF);
  std::fclose(file);
}

}  // namespace
