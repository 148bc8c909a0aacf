// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Safetensors files: round trips, each broken rule with its sentence, and targets that survive a failed write.
#include "examples/io/safetensors.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

#include <gtest/gtest.h>

#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tilery_examples;

/// A file of `header` and `data` with the right length in front.
std::string file_bytes(const std::string& header, const std::string& data = "") {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

/// The entry of one tensor in a header.
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets + "]}";
}

struct safetensors : testing::Test {
  temporary_folder folder;
  const std::filesystem::path path = folder.path() / "weights.safetensors";
  const std::vector<float> weights{1, -2, 3.5F, 4, 5, 6};
  const std::vector<std::uint8_t> mask{7, 8, 9};

  std::vector<tensor_entry> tensors() const {
    return {{"mask", "U8", {3}, std::as_bytes(std::span(mask))},
            {"weights \"1\"", "F32", {2, 3}, std::as_bytes(std::span(weights))},
            {"nothing", "I64", {0, 5}, {}},
            {"scalar", "F32", {}, std::as_bytes(std::span(weights)).first(4)}};
  }
  void refused(const std::string& content, const std::string& part, tilery::where at = {}) const {
    folder.write("wrong", content);
    expect_refusal([&] { read_safetensors(folder.path() / "wrong", at); }, part, at);
  }
};

TEST_F(safetensors, come_back_as_they_were_written) {
  const std::map<std::string, std::string> metadata{{"format", "pt"}, {"note", "naïve \"quotes\"\n"}};
  write_safetensors(path, tensors(), metadata);
  const safetensors_file file = read_safetensors(path);
  EXPECT_EQ(file.metadata(), metadata);
  ASSERT_EQ(file.tensors().size(), 4U);
  for (const tensor_entry& written : tensors()) {
    const tensor_entry& read = file.at(written.name);
    EXPECT_EQ(read.dtype, written.dtype);
    EXPECT_EQ(read.shape, written.shape);
    EXPECT_TRUE(std::equal(read.bytes.begin(), read.bytes.end(), written.bytes.begin(), written.bytes.end()));
  }
  expect_refusal([&] { file.at("bias"); }, "has no tensor \"bias\" among its 4, but must have it.");
}

TEST_F(safetensors, store_every_type) {
  const std::vector<std::byte> bytes(16, std::byte{1});
  std::vector<tensor_entry> all;
  all.reserve(tensor_dtypes.size());
  for (const tensor_dtype& dtype : tensor_dtypes)
    all.push_back({std::string(dtype.name), std::string(dtype.name), {2}, std::span(bytes).first(2 * dtype.size)});
  write_safetensors(path, all);
  const safetensors_file file = read_safetensors(path);
  for (const tensor_dtype& dtype : tensor_dtypes) EXPECT_EQ(file.at(dtype.name).bytes.size(), 2 * dtype.size);
}

TEST_F(safetensors, are_aligned_and_do_not_depend_on_the_order) {
  write_safetensors(path, tensors());
  const std::string first = file_content(path);
  std::uint64_t header = 0;
  std::memcpy(&header, first.data(), sizeof header);
  EXPECT_EQ(header % 8, 0U);
  const safetensors_file file = read_safetensors(path);
  for (const tensor_entry& tensor : file.tensors()) {
    if (tensor.bytes.empty()) continue;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % *dtype_bytes(tensor.dtype), 0U) << tensor.name;
  }
  const std::vector<tensor_entry> forward = tensors(), backward(forward.rbegin(), forward.rend());
  write_safetensors(path, backward);
  EXPECT_EQ(file_content(path), first);
}

TEST_F(safetensors, may_be_empty) {
  write_safetensors(path, {});
  EXPECT_EQ(file_content(path), file_bytes("{}      "));
  EXPECT_TRUE(read_safetensors(path).tensors().empty());
}

TEST_F(safetensors, entries_survive_a_move) {
  write_safetensors(path, tensors());
  safetensors_file first = read_safetensors(path);
  const safetensors_file second = std::move(first);
  EXPECT_EQ(std::memcmp(second.at("mask").bytes.data(), mask.data(), 3), 0);
}

TEST_F(safetensors, are_refused_with_a_wrong_length_in_front) {
  expect_refusal([&] { read_safetensors(folder.path() / "absent"); },
                 "absent cannot be opened: No such file or directory.");
  expect_refusal([&] { read_safetensors(folder.path()); }, "is not a regular file, but must be one.");
  refused("1234567", "has 7 bytes, but must have at least 8 for the length of its header.");
  refused(std::string("\x09\0\0\0\0\0\0\0{}", 10),
          "has a header of 9 bytes, but must have at most the 2 that follow its length.");
  refused(std::string(16, '\xff'), "has a header of 18446744073709551615 bytes, but must have at most the 8");
  const auto long_header = folder.write("long", std::string("\x01\xe1\xf5\x05\0\0\0\0", 8));  // 100'000'001
  std::filesystem::resize_file(long_header, 100'000'100);
  expect_refusal([&] { read_safetensors(long_header); },
                 "has a header of 100000001 bytes, but must have at most 100000000.");
}

TEST_F(safetensors, are_refused_with_a_header_that_is_no_object) {
  refused(file_bytes(""), "has a header that is not JSON from byte 1 on, but must be.");
  refused(file_bytes("{\"a\":"), "has a header that is not JSON from byte 6 on, but must be.");
  refused(file_bytes("{} x"), "has a header that is not JSON from byte 4 on, but must be.");
  refused(file_bytes("{\"\xff\":1}"), "has a header that is not JSON from byte 3 on, but must be.");
  refused(file_bytes("{\"a\":1e999}"), "has a header that is not JSON, but must be.");
  refused(file_bytes("[1]"), "has a header that is no JSON object from its first byte on, but must be one.");
  refused(file_bytes(" {}"), "has a header that is no JSON object from its first byte on, but must be one.");
  refused(file_bytes("{\"a\":[[[[0]]]]}"), "nests its JSON deeper than 3 levels, but must not.");
}

TEST_F(safetensors, are_refused_with_a_nul_byte_in_the_header) {
  using namespace std::string_literals;
  refused(file_bytes("{}\0"s), "has a NUL byte in its header, its byte 3, but must have none.");
  refused(file_bytes("{}\0 and what nobody has read"s), "has a NUL byte in its header, its byte 3");
  refused(file_bytes("{" + entry("a\0b"s, "U8", "1", "0,1") + "}", "x"), "has a NUL byte in its header, its byte 4");
  refused(file_bytes("\0{}"s), "has a NUL byte in its header, its byte 1");
}

TEST_F(safetensors, are_refused_with_a_key_twice) {
  const std::string a = entry("a", "U8", "1", "0,1");
  refused(file_bytes("{" + a + "," + a + "}", "x"), "has the key \"a\" twice in one object, but must have it once.");
  refused(file_bytes("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\"}}"), "has the key \"dtype\" twice in one object");
  refused(file_bytes("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}"), "has the key \"k\" twice in one object");
}

TEST_F(safetensors, are_refused_with_a_malformed_entry) {
  const std::string part =
      "has a malformed entry for the tensor \"a\", but it must have exactly a dtype (text), a shape "
      "(natural numbers) and data_offsets (two natural numbers).";
  for (const char* wrong :
       {"1", "[]", "{}", "{\"dtype\":\"U8\",\"shape\":[1]}", "{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,1]}",
        "{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}",
        "{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}",
        "{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}",
        "{\"dtype\":\"U8\",\"shape\":[18446744073709551616],\"data_offsets\":[0,1]}",
        "{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}",
        "{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,\"1\"]}",
        "{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"strides\":[1]}"})
    refused(file_bytes("{\"a\":" + std::string(wrong) + "}", "x"), part);
  refused(file_bytes("{\"__metadata__\":{\"a\":1}}"),
          "has __metadata__ that is not an object of texts, but must be one.");
  refused(file_bytes("{\"__metadata__\":[\"a\"]}"),
          "has __metadata__ that is not an object of texts, but must be one.");
}

TEST_F(safetensors, are_refused_with_a_tensor_that_does_not_fit_its_bytes) {
  const auto one = [](const char* dtype, const char* shape, const char* offsets) {
    return file_bytes("{" + entry("a", dtype, shape, offsets) + "}", "12345678");
  };
  refused(one("F8", "8", "0,8"),
          "has the tensor \"a\" of type \"F8\", but must have one of F64, F32, F16, BF16, I64, I32, I8, U8.");
  refused(one("F32", "4294967296,4294967296", "0,8"),
          "has the tensor \"a\" of shape (4294967296, 4294967296), but its bytes must fit 64 bits.");
  refused(one("F32", "3", "0,8"), "has the tensor \"a\" in 8 bytes, but F32 of shape (3) must have 12.");
  refused(one("F32", "", "0,8"), "has the tensor \"a\" in 8 bytes, but F32 of shape () must have 4.");
  refused(one("U8", "9", "0,9"),
          "has the tensor \"a\" at the offsets 0 to 9, but they must rise and stay within its 8 bytes of data.");
  refused(one("U8", "1", "1,0"), "has the tensor \"a\" at the offsets 1 to 0, but they must rise");
}

TEST_F(safetensors, are_refused_with_overlaps_and_holes) {
  const auto two = [](const char* left, const char* right) {
    return file_bytes("{" + entry("b", "U8", "3", right) + "," + entry("a", "U8", "3", left) + "}", "1234567");
  };
  refused(two("0,3", "2,5"),
          "has overlapping data: the tensor \"b\" begins at 2, but must begin where the tensor before it ends, at 3.");
  refused(two("0,3", "0,3"), "has overlapping data: the tensor \"b\" begins at 0");
  refused(
      two("0,3", "4,7"),
      "has a hole in its data: the tensor \"b\" begins at 4, but must begin where the tensor before it ends, at 3.");
  refused(two("1,4", "4,7"), "has a hole in its data: the tensor \"a\" begins at 1");
  refused(two("0,3", "3,6"), "has 7 bytes of data, but its tensors must cover them all and end at 6.");
  refused(file_bytes("{}", "x"), "has 1 bytes of data, but its tensors must cover them all and end at 0.");
}

TEST_F(safetensors, are_not_written_wrong) {
  const auto bytes = std::as_bytes(std::span(mask));
  const auto refuses = [&](const std::vector<tensor_entry>& wrong, const char* part) {
    expect_refusal([&] { write_safetensors(path, wrong); }, part);
  };
  refuses({{"a", "U8", {4}, bytes}}, "has the tensor \"a\" in 3 bytes, but U8 of shape (4) must have 4.");
  refuses({{"a", "BOOL", {3}, bytes}}, "has the tensor \"a\" of type \"BOOL\", but must have one of F64");
  refuses({{"a", "U8", {3}, bytes}, {"a", "I8", {3}, bytes}},
          "would have two tensors of the name \"a\", but must have each name once.");
  refuses({{"__metadata__", "U8", {3}, bytes}}, "would have a tensor of the reserved name __metadata__, but must not.");
  refuses({{"\xff", "U8", {3}, bytes}}, "would have a name or metadata that is not UTF-8, but must have UTF-8 alone.");
  EXPECT_TRUE(folder.names().empty());
}

/// Limits the size of the files that this process may write, until it goes out of scope.
struct file_size_limit {
  rlimit old{};
  explicit file_size_limit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &old);
    const rlimit limited{bytes, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limited);
    std::signal(SIGXFSZ, SIG_IGN);  // so that write fails instead
  }
  ~file_size_limit() {
    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, SIG_DFL);
  }
};

TEST_F(safetensors, leave_the_old_file_when_the_new_one_cannot_be_written) {
  write_safetensors(path, tensors());
  const std::string old = file_content(path);
  const std::vector<std::byte> large(100'000);
  const std::vector<tensor_entry> larger{{"large", "U8", {100'000}, large}};
  {
    const file_size_limit limit(50'000);
    expect_refusal([&] { write_safetensors(path, larger); }, "weights.safetensors cannot be written: File too large.");
  }
  EXPECT_EQ(file_content(path), old);
  EXPECT_EQ(folder.names(), (std::set<std::string>{"weights.safetensors"}));
  expect_refusal([&] { write_safetensors(folder.path() / "absent" / "w", larger); },
                 "cannot be created: No such file or directory.");
  expect_refusal([&] { write_safetensors(folder.path(), larger); },
                 "is not a regular file, but must be one to be replaced.");
}

}  // namespace
