// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// IDX files: what is right comes back, what is wrong is refused with its sentence.
#include "examples/io/idx.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/resource.h>

#include <gtest/gtest.h>

#include "idx_file.hpp"
#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tilery_examples;

const temporary_folder folder;

TEST(idx, reads_plain_and_gzipped_files_alike) {
  const std::string content = idx_bytes({2, 3}, "abcdef");
  const auto plain = folder.write("plain", content);
  write_gzip(folder.path() / "packed", content);
  for (const auto& path : {plain, folder.path() / "packed"}) {
    const idx_array array = read_idx(path);
    EXPECT_EQ(array.shape, (std::vector<std::uint32_t>{2, 3}));
    EXPECT_EQ(std::string(array.values.begin(), array.values.end()), "abcdef");
  }
}

TEST(idx, reads_values_over_several_steps) {
  std::string values(5'000'001, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<char>(i * 7919 >> 5);
  write_gzip(folder.path() / "long.gz", idx_bytes({5'000'001}, values));
  const idx_array array = read_idx(folder.path() / "long.gz");
  EXPECT_EQ(std::string(array.values.begin(), array.values.end()), values);
}

TEST(idx, reads_arrays_without_values) {
  const idx_array array = read_idx(folder.write("empty", idx_bytes({4'000'000'000, 0, 4'000'000'000}, "")));
  EXPECT_EQ(array.shape.size(), 3U);
  EXPECT_TRUE(array.values.empty());
}

TEST(idx, refuses_what_it_cannot_read) {
  expect_refusal([&] { read_idx(folder.path() / "absent"); }, "absent cannot be opened: No such file or directory.");
  expect_refusal([&] { read_idx(folder.path()); }, " cannot be read: Is a directory.");
}

TEST(idx, refuses_a_wrong_magic_number) {
  expect_refusal([&] { read_idx(folder.write("a", "")); }, "has 0 bytes, but must have 4 for its magic number.");
  expect_refusal([&] { read_idx(folder.write("b", std::string("\0\0\x08", 3))); }, "has 3 bytes, but must have 4");
  expect_refusal([&] { read_idx(folder.write("c", "PNG and more")); },
                 "begins with the bytes 80 and 78, but the magic number of an IDX file must begin with two zeros.");
  expect_refusal([&] { read_idx(folder.write("d", std::string("\0\0\x0d\1\0\0\0\0", 8))); },
                 "has the type code 13, but must have 8, which means unsigned bytes.");
  expect_refusal([&] { read_idx(folder.write("e", idx_bytes({}, "x"))); },
                 "has no dimensions, but must have at least one.");
}

TEST(idx, refuses_files_of_another_length) {
  const std::string content = idx_bytes({2, 3}, "abcdef");
  expect_refusal([&] { read_idx(folder.write("header", content.substr(0, 10))); },
                 "ends after 1 dimensions, but must have the 2 that its magic number announces.");
  expect_refusal([&] { read_idx(folder.write("body", content.substr(0, 17))); },
                 "has 5 values, but must have the 6 that its dimensions promise.");
  expect_refusal([&] { read_idx(folder.write("beyond", content + "x")); },
                 "has bytes after the 6 values that its dimensions promise, but must end there.");
}

TEST(idx, refuses_damaged_gzip_streams) {
  write_gzip(folder.path() / "whole.gz", idx_bytes({26}, "abcdefghijklmnopqrstuvwxyz"));
  const std::string packed = file_content(folder.path() / "whole.gz");
  for (const std::size_t length : {std::size_t{11}, packed.size() / 2, packed.size() - 4, packed.size() - 1})
    expect_refusal([&] { read_idx(folder.write("cut.gz", packed.substr(0, length))); },
                   "ends in the middle of its gzip stream, but must hold all of it.");
  std::string flipped = packed;
  flipped[packed.size() - 6] ^= 1;  // of the checksum
  expect_refusal([&] { read_idx(folder.write("flipped.gz", flipped)); },
                 "has a damaged gzip stream: incorrect data check.");
}

TEST(idx, refuses_absurd_dimensions) {
  const std::vector<std::uint32_t> most(20, 0xffffffff);
  expect_refusal([&] { read_idx(folder.write("huge", idx_bytes({0xffffffff, 0xffffffff}, ""))); },
                 "has dimensions that promise at least 18446744065119617025 values, but must hold at most 6442450944.");
  expect_refusal([&] { read_idx(folder.write("overflow", idx_bytes(most, ""))); }, "but must hold at most 6442450944.");
  expect_refusal([&] { read_idx(folder.write("wraps", idx_bytes({1U << 31, 1U << 31, 4}, ""))); }, "must hold at most");
}

TEST(idx, takes_no_memory_on_the_word_of_a_header) {
  const auto path = folder.write("promise", idx_bytes({6, 1U << 30}, "few"));
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  expect_refusal([&] { read_idx(path); }, "has 3 values, but must have the 6442450944 that its dimensions promise.");
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 * 1024) << "KiB of memory at the peak";
}

}  // namespace
