// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Data sets: the digits of this repository, the order in which places are looked at, and four files that do not agree.
#include "examples/io/dataset.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "idx_file.hpp"
#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tilery_examples;

/// A folder with two training images and one test image of 1 x 3 pixels, under MNIST's own names.
struct dataset_test : testing::Test {
  temporary_folder folder;
  dataset_test() {
    folder.write("train-images-idx3-ubyte", idx_bytes({2, 1, 3}, "abcdef"));
    folder.write("train-labels-idx1-ubyte", idx_bytes({2}, std::string("\0\x09", 2)));
    write_gzip(folder.path() / "t10k-images-idx3-ubyte.gz", idx_bytes({1, 1, 3}, "xyz"));
    write_gzip(folder.path() / "t10k-labels-idx1-ubyte.gz", idx_bytes({1}, "\x05"));
  }
};

TEST_F(dataset_test, reads_the_digits_of_the_repository) {
  const dataset digits = load_dataset(digits_folder());
  EXPECT_EQ(digits.name, "UCI digits");
  EXPECT_NE(digits.citation.find("10.24432/C50P49"), std::string::npos);
  EXPECT_EQ(digits.train.name, "train");
  EXPECT_EQ(digits.test.name, "test");
  EXPECT_EQ(digits.train.count, 1437U);
  EXPECT_EQ(digits.test.count, 360U);
  for (const labelled_images* images : {&digits.train, &digits.test}) {
    EXPECT_EQ(images->rows, 8U);
    EXPECT_EQ(images->columns, 8U);
    EXPECT_EQ(images->classes, 10U);
    EXPECT_EQ(images->pixels.size(), images->count * 64U);
    EXPECT_EQ(images->labels.size(), images->count);
    EXPECT_EQ(*std::max_element(images->pixels.begin(), images->pixels.end()), 255);
    EXPECT_EQ(*std::max_element(images->labels.begin(), images->labels.end()), 9);
  }
  const std::array<std::uint8_t, 8> second_row{0,   0,   207, 239,
                                               159, 239, 80,  0};  // of the first image: 0 0 13 15 10 15 5 0
  EXPECT_TRUE(std::equal(second_row.begin(), second_row.end(), digits.train.pixels.begin() + 8));
  EXPECT_EQ(digits.train.labels[9], 9);
}

TEST_F(dataset_test, reads_fashion_mnist_where_debian_installs_it) {
  const known_dataset fashion = known_datasets().front();
  if (!std::filesystem::is_directory(fashion.folder)) GTEST_SKIP() << fashion.folder << " is not installed";
  const dataset loaded = load_dataset();
  EXPECT_EQ(loaded.name, "Fashion-MNIST");
  EXPECT_EQ(loaded.train.count, 60'000U);
  EXPECT_EQ(loaded.test.count, 10'000U);
  EXPECT_EQ(loaded.train.pixels.size(), 60'000U * 28 * 28);
  for (int label = 0; label < 10; ++label)
    EXPECT_EQ(std::count(loaded.test.labels.begin(), loaded.test.labels.end(), label), 1000);
}

TEST_F(dataset_test, takes_the_first_known_folder_that_exists) {
  const known_dataset absent{folder.path() / "absent", "absent", ""}, present{folder.path(), "present", "cite me"};
  const dataset loaded = load_dataset(std::nullopt, {absent, present});
  EXPECT_EQ(loaded.name, "present");
  EXPECT_EQ(loaded.citation, "cite me");
  EXPECT_EQ(loaded.train.labels, (std::vector<std::uint8_t>{0, 9}));
  EXPECT_EQ(loaded.test.pixels, (std::vector<std::uint8_t>{'x', 'y', 'z'}));
  expect_refusal([&] { load_dataset(std::nullopt, {absent}); },
                 "No data set was found: one of these folders must exist");
}

TEST_F(dataset_test, does_not_pass_over_a_known_folder_that_is_broken) {
  std::filesystem::remove(folder.path() / "train-labels-idx1-ubyte");
  expect_refusal([&] { load_dataset(std::nullopt, {{folder.path(), "broken", ""}, {digits_folder(), "digits", ""}}); },
                 "has no file train-labels-idx1-ubyte, but must have it");
}

TEST_F(dataset_test, names_an_unknown_folder_by_its_path) {
  const dataset loaded = load_dataset(folder.path());
  EXPECT_EQ(loaded.name, folder.path().string());
  EXPECT_EQ(loaded.citation, "");
}

TEST_F(dataset_test, takes_names_with_a_dot) {
  for (const char* part : {"train-images", "train-labels"}) {
    const std::string type = std::string(part) == "train-images" ? "idx3-ubyte" : "idx1-ubyte";
    std::filesystem::rename(folder.path() / (part + ("-" + type)), folder.path() / (part + ("." + type)));
  }
  std::filesystem::rename(folder.path() / "t10k-images-idx3-ubyte.gz", folder.path() / "t10k-images.idx3-ubyte.gz");
  EXPECT_EQ(load_dataset(folder.path()).train.count, 2U);
}

TEST_F(dataset_test, refuses_folders_that_are_none) {
  expect_refusal([&] { load_dataset(folder.path() / "absent"); },
                 "absent does not exist or is not a folder, but must be one.");
  expect_refusal([&] { load_dataset(folder.path() / "train-images-idx3-ubyte"); }, "does not exist or is not a folder");
  expect_refusal([&] { load_dataset(std::filesystem::path()); }, "does not exist or is not a folder");
}

TEST_F(dataset_test, refuses_files_that_do_not_agree) {
  const auto refused = [&](const char* name, const std::string& content, const std::string& sentence) {
    const std::string whole = file_content(folder.path() / name);
    folder.write(name, content);
    expect_refusal([&] { load_dataset(folder.path()); }, sentence);
    folder.write(name, whole);
  };
  refused("train-labels-idx1-ubyte", idx_bytes({3}, "\1\2\3"),
          "has 3 labels, but must have one for each of the 2 images of ");
  refused("train-labels-idx1-ubyte", idx_bytes({2}, "\x01\x0a"),
          "has the label 10 at position 1, but labels must be below 10.");
  refused("train-labels-idx1-ubyte", idx_bytes({2, 1}, "\1\2"), "has 2 dimensions, but labels must have 1.");
  refused("train-images-idx3-ubyte", idx_bytes({2, 3}, "abcdef"),
          "has 2 dimensions, but images must have 3: count, rows and columns.");
  refused("train-images-idx3-ubyte", idx_bytes({0, 1, 3}, ""),
          "has no pixels, but must have at least one image of at least one pixel.");
  refused("train-images-idx3-ubyte", idx_bytes({2, 0, 3}, ""), "has no pixels");
  refused("t10k-images-idx3-ubyte.gz", idx_bytes({1, 3, 1}, "xyz"),
          "has test images of 3 x 1 pixels, but they must be 1 x 3 like its training images.");
  refused("t10k-labels-idx1-ubyte.gz", "", "has 0 bytes, but must have 4 for its magic number.");
  EXPECT_EQ(load_dataset(folder.path()).test.count, 1U);
}

}  // namespace
