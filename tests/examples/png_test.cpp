// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// PNG files: what is written comes back, other kinds of PNG are converted, and what is broken is refused with its
// sentence.
#include "examples/io/png.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "png_file.hpp"
#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tilery_examples;

struct png : testing::Test {
  temporary_folder folder;
  const std::filesystem::path path = folder.path() / "a.png";
  const picture grey{2, 3, 1, {0, 1, 2, 253, 254, 255}};
  const picture colour{1, 2, 3, {255, 0, 7, 0, 128, 255}};
};

TEST_F(png, come_back_as_they_were_written) {
  for (const picture& written : {grey, colour}) {
    write_png(path, written);
    const picture read = read_png(path);
    EXPECT_EQ(read.shape(), written.shape());
    EXPECT_EQ(read.values, written.values);
  }
  EXPECT_EQ(folder.names(), (std::set<std::string>{"a.png"}));
}

TEST_F(png, are_converted_to_the_channels_that_are_asked_for) {
  write_png(path, grey);
  EXPECT_EQ(read_png(path, 3).values,
            (std::vector<std::uint8_t>{0, 0, 0, 1, 1, 1, 2, 2, 2, 253, 253, 253, 254, 254, 254, 255, 255, 255}));
  EXPECT_EQ(read_png(path, 1).values, grey.values);
  write_png(path, {1, 3, 3, {0, 0, 0, 255, 255, 255, 0, 255, 0}});
  const picture read = read_png(path, 1);
  EXPECT_EQ(read.channels, 1U);
  EXPECT_EQ(read.values[0], 0);
  EXPECT_EQ(read.values[1], 255);
  EXPECT_GT(read.values[2], 180) << "green is light";
  EXPECT_LT(read.values[2], 240);
}

TEST_F(png, of_other_kinds_are_read) {
  // 16 bits: the upper 8 remain. A transparent pixel is black. One bit a pixel, 1 is white.
  folder.write("16", png_bytes(2, 1, 16, 0, std::string("\0\x12\x34\xab\xcd", 5)));
  EXPECT_EQ(read_png(folder.path() / "16").values, (std::vector<std::uint8_t>{0x12, 0xab}));
  folder.write("alpha", png_bytes(2, 1, 8, 4, std::string("\0\x40\xff\x40\0", 5)));
  EXPECT_EQ(read_png(folder.path() / "alpha").values, (std::vector<std::uint8_t>{0x40, 0}));
  folder.write("bits", png_bytes(3, 1, 1, 0, std::string("\0\xa0", 2)));
  EXPECT_EQ(read_png(folder.path() / "bits").values, (std::vector<std::uint8_t>{255, 0, 255}));
}

TEST_F(png, are_refused_when_they_are_none) {
  expect_refusal([&] { read_png(folder.path() / "absent"); }, "absent cannot be opened: No such file or directory.");
  expect_refusal([&] { read_png(folder.path()); }, "is not a regular file, but must be one.");
  for (const char* content : {"", "\x89PNG", "GIF89a and more"})
    expect_refusal([&] { read_png(folder.write("none", content)); },
                   "does not begin with the 8 bytes of PNG's signature, but must.");
}

TEST_F(png, are_refused_when_they_are_damaged) {
  write_png(path, grey);
  const std::string whole = file_content(path);
  const std::size_t data = whole.find("IDAT");
  ASSERT_NE(data, std::string::npos);
  for (const std::size_t length : {std::size_t{8}, std::size_t{20}, data + 6})
    expect_refusal([&] { read_png(folder.write("cut", whole.substr(0, length))); },
                   "ends in the middle of its picture, but must hold all of it.");
  for (const std::size_t place : {std::size_t{18}, data + 6}) {  // the width; the packed pixels
    std::string changed = whole;
    changed[place] = static_cast<char>(changed[place] ^ 0x55);
    expect_refusal([&] { read_png(folder.write("changed", changed)); }, "is damaged: ");
  }
}

TEST_F(png, are_refused_when_they_promise_too_much) {
  expect_refusal([&] { read_png(folder.write("large", png_bytes(900'000, 900'000, 8, 0, std::string("\0\0", 2)))); },
                 "has 900000 x 900000 pixels, 810000000000 values, but must have at most 268435456.");
}

TEST_F(png, are_not_written_wrong) {
  for (const picture& wrong : {picture{0, 3, 1, {}}, picture{1, 1, 2, {1, 2}}, picture{2, 2, 1, {1, 2, 3}}})
    expect_refusal([&] { write_png(path, wrong); },
                   "must have pixels of 1 or 3 channels, and a value for each channel.");
  expect_refusal([&] { write_png(folder.path() / "absent" / "a.png", grey); },
                 "cannot be created: No such file or directory.");
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
