// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Confusion matrices: counts, the sentence, the picture's content. And the picture of a layer's filters, pixel by
// pixel.
#include "examples/report/confusion_matrix.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "examples/report/filter_picture.hpp"
#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tilery_examples;

TEST(confusion_matrix, counts) {
  confusion_matrix found({"a", "b", "c"});
  EXPECT_EQ(found.accuracy(), 0);
  EXPECT_EQ(found.most_frequent(), std::nullopt);
  found.add(0, 0);
  found.add(1, 1);
  EXPECT_EQ(found.most_frequent(), std::nullopt);
  EXPECT_EQ(found.accuracy(), 1);
  found.add(0, 2);
  found.add(2, 1);
  found.add(2, 1);
  EXPECT_EQ(found.total(), 5U);
  EXPECT_EQ(found.count(2, 1), 2U);
  EXPECT_EQ(found.count(1, 2), 0U);
  EXPECT_EQ(found.accuracy(), 0.4);
  EXPECT_EQ(found.most_frequent(), "c taken for b, 2 of 2 times");
}

TEST(confusion_matrix, is_drawn) {
  const temporary_folder folder;
  confusion_matrix found({"<hat>", "T-shirt & top", "nothing"});
  for (int i = 0; i < 3; ++i) found.add(0, 0);
  found.add(0, 1);
  found.write(folder.path() / "confusion.svg", "my <data>");
  EXPECT_EQ(folder.names(), (std::set<std::string>{"confusion.svg"}));
  const std::string svg = file_content(folder.path() / "confusion.svg");
  EXPECT_EQ(svg.rfind("<svg ", 0), 0U);
  EXPECT_EQ(svg.substr(svg.size() - 7), "</svg>\n");
  for (const char* text : {"my &lt;data&gt;", "&lt;hat&gt;", "T-shirt &amp; top", "accuracy 75.00 %", ">3<", ">1<",
                           "fill='#1b5fb0' fill-opacity='0.866'", "fill='#c2571a' fill-opacity='0.500'"})
    EXPECT_NE(svg.find(text), std::string::npos) << text;
  std::size_t cells = 0;
  for (std::size_t at = svg.find("stroke="); at != std::string::npos; at = svg.find("stroke=", at + 1)) ++cells;
  EXPECT_EQ(cells, 9U);
  EXPECT_EQ(svg.find("nan"), std::string::npos) << "a class without images has empty cells";
  expect_refusal([&] { found.write(folder.path() / "absent" / "confusion.svg", ""); },
                 "cannot be created: No such file or directory.");
}

/// The colour at (row, column).
std::vector<int> pixel(const picture& p, std::uint32_t row, std::uint32_t column) {
  const std::uint8_t* rgb = p.values.data() + std::size_t{3} * (std::size_t{row} * p.columns + column);
  return {rgb[0], rgb[1], rgb[2]};
}

TEST(filter_picture, shows_each_weight) {
  // Three filters of 1 x 2 weights, as the columns of a matrix after one number that belongs to nothing.
  const std::vector<float> weights{99, 1, -4, 0, 0.5, 2, 0};
  const picture p = filter_picture(weights, {1, 3, {1, 2, 1}, 1, 3});
  EXPECT_EQ(p.columns, 4U + 2 * (24 + 4));  // two filters of 2 x 12 pixels across, gaps of 4
  EXPECT_EQ(p.rows, 4U + 2 * (12 + 4));
  const std::vector<int> blue{0x1b, 0x5f, 0xb0}, orange{0xc2, 0x57, 0x1a}, white{255, 255, 255}, gap{0xe4, 0xe4, 0xe4};
  EXPECT_EQ(pixel(p, 0, 0), gap);
  EXPECT_EQ(pixel(p, 4, 4), blue) << "1, the largest of the first filter";
  EXPECT_EQ(pixel(p, 15, 16), (std::vector<int>{141, 175, 216})) << "0.5: half of the way from white";
  EXPECT_EQ(pixel(p, 4, 28), gap);
  EXPECT_EQ(pixel(p, 4, 32), orange) << "-4, the largest of the second";
  EXPECT_EQ(pixel(p, 4, 44), (std::vector<int>{141, 175, 216})) << "2";
  EXPECT_EQ(pixel(p, 20, 4), white) << "the third filter is zero";
  EXPECT_EQ(pixel(p, 20, 32), gap) << "and there is no fourth";
}

TEST(filter_picture, shows_colour_filters_in_colour) {
  const std::vector<float> weights{-2, 0, 2, 1, -1, 0};
  const picture p = filter_picture(weights, {0, 1, {2, 1, 3}, 6, 1});
  EXPECT_EQ(pixel(p, 4, 4), (std::vector<int>{0, 128, 255}));
  EXPECT_EQ(pixel(p, 16, 4), (std::vector<int>{191, 64, 128}));
}

}  // namespace
