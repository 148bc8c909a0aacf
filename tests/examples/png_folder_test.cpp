// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Folders of PNG files as data sets: classes by sub-folder, split by folder or by each fifth file, and what is refused.
#include "examples/io/dataset.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tilery_examples;
namespace fs = std::filesystem;

struct png_folder : testing::Test {
  temporary_folder folder;

  /// A grey picture of 1 x 2 pixels, of which the first is `value`.
  void add(const std::string& name, std::uint8_t value) const { add(name, picture{1, 2, 1, {value, 7}}); }
  void add(const std::string& name, const picture& content) const {
    fs::create_directories((folder.path() / name).parent_path());
    write_png(folder.path() / name, content);
  }
};

TEST_F(png_folder, is_split_by_its_folders) {
  add("train/hat/b.png", 2);
  add("train/hat/a.PNG", 1);
  add("train/bag/c.png", 3);
  add("test/hat/d.png", 4);
  folder.write("train/hat/notes.txt", "no picture");
  fs::create_directory(folder.path() / "train" / ".hidden");
  const dataset loaded = load_dataset(folder.path());
  EXPECT_EQ(loaded.class_names, (std::vector<std::string>{"bag", "hat"}));
  EXPECT_EQ(loaded.train.labels, (std::vector<std::uint8_t>{0, 1, 1}));
  EXPECT_EQ(loaded.train.pixels, (std::vector<std::uint8_t>{3, 7, 1, 7, 2, 7}));
  EXPECT_EQ(loaded.test.labels, (std::vector<std::uint8_t>{1}));
  EXPECT_EQ(loaded.test.pixels, (std::vector<std::uint8_t>{4, 7}));
  EXPECT_EQ(loaded.train.shape(), (image_shape{1, 2, 1}));
  EXPECT_EQ(loaded.train.classes, 2U);
  EXPECT_EQ(loaded.name, folder.path().string());
}

TEST_F(png_folder, without_a_split_is_tested_with_each_fifth_file) {
  for (int i = 0; i < 11; ++i) add("hat/" + std::to_string(10 + i) + ".png", static_cast<std::uint8_t>(i));
  add("bag/only.png", 50);
  const dataset loaded = load_dataset(folder.path());
  EXPECT_EQ(loaded.test.pixels, (std::vector<std::uint8_t>{4, 7, 9, 7}));
  EXPECT_EQ(loaded.train.count, 10U);
  EXPECT_EQ(loaded.train.labels.front(), 0);
}

TEST_F(png_folder, has_colour_where_one_picture_has) {
  add("train/a/1.png", 9);
  add("train/b/1.png", {1, 2, 3, {1, 2, 3, 4, 5, 6}});
  add("test/a/1.png", 5);
  const dataset loaded = load_dataset(folder.path());
  EXPECT_EQ(loaded.train.channels, 3U);
  EXPECT_EQ(loaded.train.pixels, (std::vector<std::uint8_t>{9, 9, 9, 7, 7, 7, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(loaded.test.pixels, (std::vector<std::uint8_t>{5, 5, 5, 7, 7, 7}));
}

TEST_F(png_folder, is_refused_when_it_is_incomplete) {
  add("train/hat/a.png", 1);
  expect_refusal([&] { load_dataset(folder.path()); }, "The class folder ");
  fs::create_directory(folder.path() / "test");
  expect_refusal([&] { load_dataset(folder.path()); },
                 "train has 1 sub-folders, but must have 2 to 256, one for each class.");
  add("train/bag/a.png", 1);
  expect_refusal([&] { load_dataset(folder.path()); }, "test has 0 sub-folders, but must have 1 to 256");
  add("test/shoe/a.png", 1);
  add("test/hat/a.png", 1);
  expect_refusal([&] { load_dataset(folder.path()); }, "has the class shoe, but must have only classes of ");
}

TEST_F(png_folder, is_refused_with_nothing_to_test_with) {
  for (int i = 0; i < 4; ++i) add("hat/" + std::to_string(i) + ".png", 1), add("bag/" + std::to_string(i) + ".png", 1);
  expect_refusal([&] { load_dataset(folder.path()); }, "has no class of 5 or more PNG files");
}

TEST_F(png_folder, is_refused_with_pictures_of_several_sizes) {
  add("train/a/1.png", 9);
  add("train/b/1.png", {2, 2, 1, {1, 2, 3, 4}});
  add("test/a/1.png", 5);
  add("test/b/1.png", 5);
  expect_refusal([&] { load_dataset(folder.path()); }, "1.png has 2 x 2 pixels, but must have 1 x 2 like ");
  add("train/b/1.png", 9);
  add("test/a/1.png", {2, 1, 1, {1, 2}});
  add("test/b/1.png", {2, 1, 1, {1, 2}});
  expect_refusal([&] { load_dataset(folder.path()); }, "has test images of 2 x 1 pixels, but they must be 1 x 2");
}

TEST_F(png_folder, names_the_file_that_is_broken) {
  add("train/a/1.png", 9);
  add("train/b/1.png", 9);
  add("test/a/1.png", 5);
  folder.write("train/b/2.png", "no PNG");
  expect_refusal([&] { load_dataset(folder.path()); },
                 "train/b/2.png does not begin with the 8 bytes of PNG's signature");
}

}  // namespace
