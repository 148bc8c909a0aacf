// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Learning curves: the table to the letter, the picture's content, and what happens without gnuplot or a place to
// write.
#include "examples/report/learning_curve.hpp"

#include <clocale>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "examples/report/curve_table.hpp"
#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tilery_examples;

/// Another PATH until it goes out of scope.
struct path_variable {
  std::string old = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  explicit path_variable(const std::string& folders) { setenv("PATH", folders.c_str(), 1); }
  ~path_variable() { setenv("PATH", old.c_str(), 1); }
};

bool gnuplot_is_there() { return std::system("command -v gnuplot > /dev/null") == 0; }

struct learning_curve_test : testing::Test {
  temporary_folder folder;
  const std::filesystem::path table = folder.path() / "curve.csv", picture = folder.path() / "curve.svg";
  learning_curve curve{"a_b <c> & \"d\" \\e"};
  learning_curve_test() {
    for (std::uint64_t step = 1; step <= 20; ++step)
      curve.add({step, static_cast<double>(step) / 10, 2.0 / static_cast<double>(step),
                 step % 10 == 0 ? std::optional(0.5 + static_cast<double>(step) / 100) : std::nullopt, 0.25});
  }
};

TEST_F(learning_curve_test, table_holds_each_row) {
  learning_curve rows;
  rows.add({1, 0.1, 2.5, std::nullopt, 0.5});
  rows.add({2, 0.2, 1.0 / 3, 0.875, 1e-7});
  rows.add({3, 0.3, std::nan(""), std::nullopt, 1});
  EXPECT_EQ(rows.csv(),
            "step,epoch,loss,test_accuracy,seconds\n"
            "1,0.1,2.5,,0.5\n"
            "2,0.2,0.3333333333333333,0.875,1e-07\n"
            "3,0.3,nan,,1\n");
  EXPECT_EQ(rows.rows().size(), 3U);
}

TEST_F(learning_curve_test, picture_shows_both_panels) {
  if (!gnuplot_is_there()) GTEST_SKIP() << "gnuplot is not on PATH";
  folder.write("curve.svg", "old");
  folder.write("curve.csv", "old");
  EXPECT_EQ(curve.write(table, picture), std::nullopt);
  EXPECT_EQ(file_content(table), curve.csv());
  const std::string svg = file_content(picture);
  EXPECT_EQ(svg.rfind("<?xml", 0), 0U);
  EXPECT_NE(svg.find("</svg>"), std::string::npos);
  for (const char* text :
       {"a_b &lt;c> &amp; \"d\" \\e", "training loss", "smoothed", "test accuracy in %", "last: 70.00 %"})
    EXPECT_NE(svg.find(text), std::string::npos) << text;
  EXPECT_EQ(folder.names(), (std::set<std::string>{"curve.csv", "curve.svg"}));
}

TEST_F(learning_curve_test, picture_needs_no_accuracy_and_only_one_row) {
  if (!gnuplot_is_there()) GTEST_SKIP() << "gnuplot is not on PATH";
  learning_curve one;
  one.add({1, 0.1, -2.5, std::nullopt, 0.5});
  EXPECT_EQ(one.write(table, picture), std::nullopt);
  EXPECT_EQ(file_content(picture).find("test accuracy"), std::string::npos);
}

TEST_F(learning_curve_test, picture_of_a_long_run_stays_small) {
  if (!gnuplot_is_there()) GTEST_SKIP() << "gnuplot is not on PATH";
  learning_curve many;
  for (std::uint64_t step = 0; step < 300'000; ++step)
    many.add({step, static_cast<double>(step), std::sin(static_cast<double>(step * step)), std::nullopt, 0});
  EXPECT_EQ(many.write(table, picture), std::nullopt);
  EXPECT_LT(std::filesystem::file_size(picture), 200'000U);
}

TEST_F(learning_curve_test, says_why_there_is_no_picture) {
  const std::string begins = "The learning curve is in " + table.string() + " without a picture, because ";
  {
    const path_variable none(folder.path().string());
    EXPECT_EQ(curve.write(table, picture), begins + "gnuplot is not on PATH.");
  }
  EXPECT_EQ(file_content(table), curve.csv());
  EXPECT_EQ(folder.names(), (std::set<std::string>{"curve.csv"}));
  learning_curve diverged;
  diverged.add({1, 0.1, std::nan(""), std::nullopt, 0.5});
  EXPECT_EQ(diverged.write(table, picture), begins + "it has no finite loss to draw.");
}

TEST_F(learning_curve_test, keeps_the_old_picture_when_gnuplot_fails) {
  folder.write("curve.svg", "old");
  const auto gnuplot =
      folder.write("gnuplot",
                   "#!/bin/sh\necho half a picture\nprintf '\\n  set x\\n  line 3: bad news\\n' >&2\nexit 2\n");
  std::filesystem::permissions(gnuplot, std::filesystem::perms::owner_all);
  const path_variable ours(folder.path().string() + ":/usr/bin:/bin");
  expect_refusal([&] { (void)curve.write(table, picture); },
                 "gnuplot refuses its script with the status 2: line 3: bad news");
  EXPECT_EQ(file_content(picture), "old");
  EXPECT_EQ(folder.names(), (std::set<std::string>{"curve.csv", "curve.svg", "gnuplot"}));
  folder.write("gnuplot", "#!/bin/sh\nkill -9 $$\n");
  expect_refusal([&] { (void)curve.write(table, picture); }, "gnuplot was ended by signal 9.");
}

TEST_F(learning_curve_test, names_the_file_that_cannot_be_written) {
  expect_refusal([&] { (void)curve.write(folder.path() / "absent" / "curve.csv", picture); },
                 "absent/curve.csv cannot be created: No such file or directory.");
  EXPECT_TRUE(folder.names().empty());
}

TEST_F(learning_curve_test, table_is_read_back_to_the_bit) {
  curve.add({21, 2.1, std::nan(""), std::nullopt, 1.0 / 3});
  curve.write_table(table);
  learning_curve again;
  for (const curve_row& row : read_curve_table(table, 1000)) again.add(row);
  EXPECT_EQ(again.csv(), curve.csv());
  EXPECT_EQ(again.rows()[19].test_accuracy, 0.7);
  const auto first = read_curve_table(table, 10);
  ASSERT_EQ(first.size(), 10U) << "rows of later steps are left out";
  EXPECT_EQ(first.back().step, 10U);
  EXPECT_TRUE(read_curve_table(folder.path() / "absent", 1000).empty());
}

TEST_F(learning_curve_test, table_is_refused_when_it_is_none) {
  const std::string head = "step,epoch,loss,test_accuracy,seconds\n";
  const auto refused = [&](const std::string& content, const std::string& line) {
    folder.write("curve.csv", content);
    expect_refusal([&] { read_curve_table(table, 1000); },
                   "has a line " + line + " that is no row of a learning curve");
  };
  refused("something else\n", "1");
  refused("1,0.1,2.5,,0.5\n", "1");
  for (const char* row : {"", "1", "1,0.1,2.5,,", "1,0.1,2.5,0.5", "-1,0.1,2.5,,0.5", "1,0.1,2.5,x,0.5",
                          "1,0.1,2.5,,0.5,6", "1,0.1,2.5,, 0.5", "1.5,0.1,2.5,,0.5"})
    refused(head + "1,0.1,2.5,,0.5\n" + row + "\n", "3");
}

TEST(curve_points, smoothing_is_a_mean_that_does_not_trail) {
  curve_points line, constant;
  for (int i = 0; i < 101; ++i) line.emplace_back(i, i), constant.emplace_back(i, 3);
  for (const auto& [x, y] : smoothed(constant, 10)) EXPECT_NEAR(y, 3, 1e-12) << x;
  EXPECT_NEAR(smoothed(line, 5)[50].second, 50, 1e-6);
  const curve_points pair = smoothed({{0, 1}, {1, 2}}, 1);
  const double far = std::exp(-1.0);
  EXPECT_NEAR(pair[0].second, (1 + far * 2) / (1 + far), 1e-12);
  EXPECT_NEAR(pair[1].second, (2 + far * 1) / (1 + far), 1e-12);
}

TEST(curve_points, thinning_keeps_the_extremes_in_order) {
  const curve_points points{{0, 1}, {1, 9}, {2, 2}, {3, 5}, {4, 0}, {5, 3}};
  EXPECT_EQ(thinned(points, 2), (curve_points{{0, 1}, {1, 9}, {3, 5}, {4, 0}}));
  EXPECT_EQ(thinned(points, 3), points);
}

TEST(decimal, does_not_depend_on_the_locale) {
  for (const char* locale : {"de_DE.UTF-8", "C"}) {  // the first counts where it is installed
    std::setlocale(LC_ALL, locale);
    EXPECT_EQ(decimal(0.1), "0.1");
    EXPECT_EQ(decimal(1234.5678, 2), "1234.57");
  }
}

TEST(gnuplot, strings_are_quoted) { EXPECT_EQ(gnuplot_string("a\"b\\c\nd"), "\"a\\\"b\\\\c d\""); }

}  // namespace
