// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A data set from a folder of PNG files: each sub-folder is a class, named as the sub-folder. The files of the folders
// `train` and `test` are trained and tested with; where there are no such folders, each fifth file of a class, in the
// order of the names, is tested with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <tilery/core/error.hpp>

#include "labelled_images.hpp"
#include "png.hpp"

namespace tilery_examples {

/// Two parts of a data set, and the names of its classes.
struct png_dataset {
  labelled_images train, test;
  std::vector<std::string> class_names;
};

/// The most classes of a data set: a label is a byte.
inline constexpr std::size_t most_classes = 256;

/// The entries of `folder` in the order of their names, folders or regular files; hidden ones (.name) are left out.
inline std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder, bool folders,
                                                     tilery::where at = {}) {
  std::vector<std::filesystem::path> found;
  std::error_code trouble;
  for (std::filesystem::directory_iterator entry(folder, trouble), end; !trouble && entry != end;
       entry.increment(trouble)) {
    std::error_code ignored;  // an entry that cannot be looked at, as a link to nothing, is neither
    const bool fits = folders ? entry->is_directory(ignored) : entry->is_regular_file(ignored);
    if (fits && !entry->path().filename().string().starts_with('.')) found.push_back(entry->path());
  }
  if (trouble) throw tilery::error("The folder " + folder.string() + " cannot be read: " + trouble.message() + ".", at);
  std::sort(found.begin(), found.end());
  return found;
}

/// A class: its name, and its files in the order of their names.
struct png_class {
  std::string name;
  std::vector<std::filesystem::path> files;
};

/// The classes of `folder`, in the order of their names. Throws `tilery::error` when there are fewer than `least` or
/// more than `most_classes`, or when a class has no file whose name ends in .png or .PNG. Other files are left out.
inline std::vector<png_class> png_classes(const std::filesystem::path& folder, std::size_t least,
                                          tilery::where at = {}) {
  std::vector<png_class> classes;
  for (const std::filesystem::path& sub_folder : entries_of(folder, true, at)) {
    png_class one{sub_folder.filename().string(), entries_of(sub_folder, false, at)};
    std::erase_if(one.files, [](const auto& file) { return file.extension() != ".png" && file.extension() != ".PNG"; });
    if (one.files.empty())
      throw tilery::error("The class folder " + sub_folder.string() + " has no file *.png, but must have one.", at);
    classes.push_back(std::move(one));
  }
  if (classes.size() < least || classes.size() > most_classes)
    throw tilery::error("The data set folder " + folder.string() + " has " + std::to_string(classes.size()) +
                            " sub-folders, but must have " + std::to_string(least) + " to " +
                            std::to_string(most_classes) + ", one for each class.",
                        at);
  return classes;
}

/// A file to read, and the class of its picture.
struct png_sample {
  std::filesystem::path file;
  std::uint8_t label;
};

/// Reads `samples`, which must all be of one size; `channels` is that of the part, 1 only where every picture is grey.
inline labelled_images read_png_samples(std::string name, const std::vector<png_sample>& samples, std::size_t classes,
                                        tilery::where at = {}) {
  std::vector<picture> pictures;
  std::uint32_t channels = 1;
  for (const png_sample& sample : samples) {
    pictures.push_back(read_png(sample.file, std::nullopt, at));
    const picture &first = pictures.front(), &last = pictures.back();
    if (last.rows != first.rows || last.columns != first.columns)
      throw tilery::error("The PNG file " + sample.file.string() + " has " + std::to_string(last.rows) + " x " +
                              std::to_string(last.columns) + " pixels, but must have " + std::to_string(first.rows) +
                              " x " + std::to_string(first.columns) + " like " + samples.front().file.string() + ".",
                          at);
    channels = std::max(channels, last.channels);
  }
  labelled_images all{std::move(name),
                      static_cast<std::uint32_t>(samples.size()),
                      pictures.front().rows,
                      pictures.front().columns,
                      channels,
                      static_cast<std::uint32_t>(classes),
                      {},
                      {}};
  all.pixels.reserve(samples.size() * all.shape().values());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (const std::uint8_t value : pictures[i].values)
      all.pixels.insert(all.pixels.end(), channels / pictures[i].channels, value);  // grey is equal red, green and blue
    all.labels.push_back(samples[i].label);
  }
  return all;
}

/// Gives grey images three equal channels.
inline void make_colour(labelled_images& images) {
  if (images.channels == 3) return;
  std::vector<std::uint8_t> pixels;
  pixels.reserve(3 * images.pixels.size());
  for (const std::uint8_t value : images.pixels) pixels.insert(pixels.end(), 3, value);
  images.pixels = std::move(pixels), images.channels = 3;
}

/// Reads the data set in `folder`. Throws `tilery::error` when a file is unreadable or broken, when the pictures differ
/// in size, when `test` has a class that `train` lacks, when nothing is left to test with, and as `png_classes` does.
inline png_dataset load_png_folder(const std::filesystem::path& folder, tilery::where at = {}) {
  const std::filesystem::path train_folder = folder / "train", test_folder = folder / "test";
  const bool is_split = std::filesystem::is_directory(train_folder) && std::filesystem::is_directory(test_folder);
  png_dataset result;
  std::vector<png_sample> train, test;
  const std::vector<png_class> classes = png_classes(is_split ? train_folder : folder, 2, at);
  for (std::size_t label = 0; label < classes.size(); ++label) {
    result.class_names.push_back(classes[label].name);
    for (std::size_t i = 0; i < classes[label].files.size(); ++i)
      (is_split || i % 5 != 4 ? train : test).push_back({classes[label].files[i], static_cast<std::uint8_t>(label)});
  }
  if (is_split)
    for (const png_class& tested : png_classes(test_folder, 1, at)) {
      const auto known = std::find(result.class_names.begin(), result.class_names.end(), tested.name);
      if (known == result.class_names.end())
        throw tilery::error("The data set folder " + test_folder.string() + " has the class " + tested.name +
                                ", but must have only classes of " + train_folder.string() + ".",
                            at);
      for (const std::filesystem::path& file : tested.files)
        test.push_back({file, static_cast<std::uint8_t>(known - result.class_names.begin())});
    }
  if (test.empty())
    throw tilery::error("The data set folder " + folder.string() +
                            " has no class of 5 or more PNG files, but each fifth is tested with; it must have one, or "
                            "the folders train and test.",
                        at);
  result.train = read_png_samples("train", train, classes.size(), at);
  result.test = read_png_samples("test", test, classes.size(), at);
  if (result.train.channels != result.test.channels) make_colour(result.train), make_colour(result.test);
  return result;
}

}  // namespace tilery_examples
