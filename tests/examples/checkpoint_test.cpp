// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checkpoints: all of it comes back to the bit, the same content gives the same file, and files that are none are
// refused.
#include "examples/training/checkpoint.hpp"

#include <bit>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "examples/io/safetensors.hpp"
#include "refusal.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tilery_examples;

struct checkpoint_file : testing::Test {
  temporary_folder folder;
  const std::filesystem::path path = folder.path() / "model.safetensors";
  checkpoint saved;
  checkpoint_file() {
    saved.network = "mlp";
    saved.image = {28, 27, 3};
    saved.scale = {0.1f, 1.0f / 3};
    saved.class_names = {"T-shirt/top", "a \"b\" \\ \n", "\u00e9"};
    saved.trained_on = "a data set";
    saved.images_checksum = 4'000'000'000;
    saved.plan = {std::numeric_limits<std::uint64_t>::max(), 7, 33, 5, 1.0 / 3, 1e-300, 2, true};
    saved.step = 11;
    saved.tensors = {{"w", {2, 2}, {1, -0.0f, 1e-42f, 3}}, {"empty", {0, 3}, {}}};
  }

  /// The file of `saved` with a note changed, or without it.
  void change(const std::string& note, const std::string* value) const {
    save_checkpoint(path, saved);
    const safetensors_file file = read_safetensors(path);
    std::map<std::string, std::string> notes = file.metadata();
    notes.erase(note);
    if (value != nullptr) notes[note] = *value;
    write_safetensors(path, file.tensors(), notes);
  }
};

TEST_F(checkpoint_file, comes_back_as_it_was_saved) {
  save_checkpoint(path, saved);
  const checkpoint read = load_checkpoint(path);
  EXPECT_EQ(read.network, saved.network);
  EXPECT_EQ(read.image, saved.image);
  EXPECT_EQ(read.scale.mean, saved.scale.mean);
  EXPECT_EQ(read.scale.deviation, saved.scale.deviation);
  EXPECT_EQ(read.class_names, saved.class_names);
  EXPECT_EQ(read.trained_on, saved.trained_on);
  EXPECT_EQ(read.images_checksum, saved.images_checksum);
  EXPECT_EQ(read.plan.seed, saved.plan.seed);
  EXPECT_EQ(read.plan.epochs, 7);
  EXPECT_EQ(read.plan.batch, 33);
  EXPECT_EQ(read.plan.steps, 5);
  EXPECT_EQ(read.plan.rate, saved.plan.rate);
  EXPECT_EQ(read.plan.decay, saved.plan.decay);
  EXPECT_EQ(read.plan.crop, 2);
  EXPECT_TRUE(read.plan.flip);
  EXPECT_EQ(read.step, 11);
  const named_tensor& w = read.tensor("w", {2, 2}, path);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(std::bit_cast<std::uint32_t>(w.values[i]), std::bit_cast<std::uint32_t>(saved.tensors[0].values[i]));
  EXPECT_EQ(read.tensor("empty", {0, 3}, path).values.size(), 0U);
  const std::string bytes = file_content(path);
  save_checkpoint(path, read);
  EXPECT_EQ(file_content(path), bytes);
}

TEST_F(checkpoint_file, is_refused_without_a_tensor_of_its_network) {
  expect_refusal([&] { (void)saved.tensor("v", {2, 2}, path); },
                 "model.safetensors has no tensor v, but a network \"mlp\" must have it.");
  expect_refusal([&] { (void)saved.tensor("w", {4}, path); },
                 "has the tensor w of shape (2, 2), but its network \"mlp\" must have (4).");
}

TEST_F(checkpoint_file, is_refused_with_a_note_missing_or_wrong) {
  for (const char* note :
       {"network", "image rows", "image columns", "image channels", "pixel mean", "pixel deviation", "classes",
        "trained on", "training images", "seed", "epochs", "batch", "steps", "rate", "decay", "crop", "flip", "step"}) {
    change(note, nullptr);
    expect_refusal([&] { load_checkpoint(path); }, "has no note \"" + std::string(note) + "\", but must have it");
  }
  const auto refused = [&](const char* note, const std::string& value, const std::string& must) {
    change(note, &value);
    expect_refusal([&] { load_checkpoint(path); }, "has the note \"" + std::string(note) + "\" = ");
    expect_refusal([&] { load_checkpoint(path); }, must);
  };
  for (const char* wrong : {"", "x", "1x", " 1", "-1", "1e9", "1073741825"})
    refused("step", wrong, "but it must be a number from 0 to 1073741824.");
  refused("epochs", "0", "but it must be a number from 1 to ");
  refused("flip", "2", "but it must be a number from 0 to 1.");
  refused("pixel deviation", "0", "but it must be a number from 1e-06 to ");
  refused("rate", "nan", "but it must be a number from 0 to ");
  for (const char* wrong : {"", "{}", "[]", "[1]", "\"a\"", "[\"a\""})
    refused("classes", wrong, "but it must be a list of texts.");
}

TEST_F(checkpoint_file, is_refused_with_other_types_and_as_no_checkpoint) {
  save_checkpoint(path, saved);
  const safetensors_file file = read_safetensors(path);
  const double number = 1;
  const std::vector<tensor_entry> doubles{{"w", "F64", {1}, std::as_bytes(std::span(&number, 1))}};
  write_safetensors(path, doubles, file.metadata());
  expect_refusal([&] { load_checkpoint(path); }, "has the tensor w of type F64, but all must be F32.");
  expect_refusal([&] { load_checkpoint(folder.write("text", "no safetensors")); }, "The safetensors file ");
  expect_refusal([&] { load_checkpoint(folder.path() / "absent"); }, "cannot be opened: No such file or directory.");
}

TEST(checksum, is_of_pixels_and_labels) {
  labelled_images images{"train", 2, 1, 1, 1, 10, {1, 2}, {3, 4}};
  const std::uint32_t before = checksum(images);
  EXPECT_EQ(checksum(images), before);
  images.labels[1] = 5;
  EXPECT_NE(checksum(images), before);
  images.labels[1] = 4, images.pixels[0] = 0;
  EXPECT_NE(checksum(images), before);
}

}  // namespace
