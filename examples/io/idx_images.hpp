// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One part of a data set from two IDX files, of images and of their labels, that must belong together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <tilery/core/error.hpp>

#include "idx.hpp"
#include "labelled_images.hpp"

namespace tilery_examples {

/// The classes of every data set that goes by MNIST's file names.
inline constexpr std::uint32_t dataset_classes = 10;

/// The file of `folder` that holds `part`, such as "train-images", as an array of `dimensions` dimensions: unpacked or
/// gzipped, with a hyphen or a dot before "idx". Throws `tilery::error` when there is none.
inline std::filesystem::path find_idx_file(const std::filesystem::path& folder, const std::string& part, int dimensions,
                                           tilery::where at = {}) {
  const std::string type = "idx" + std::to_string(dimensions) + "-ubyte";
  for (const char* separator : {"-", "."})
    for (const char* packed : {"", ".gz"}) {
      std::filesystem::path path = folder / std::string(part).append(separator).append(type).append(packed);
      std::error_code trouble;
      if (std::filesystem::exists(path, trouble)) return path;
      if (trouble)
        throw tilery::error("The file " + path.string() + " cannot be reached: " + trouble.message() + ".", at);
    }
  throw tilery::error("The data set folder " + folder.string() + " has no file " + part + "-" + type +
                          ", but must have it, unpacked or gzipped (.gz), with a hyphen or a dot before idx; or a "
                          "sub-folder of PNG files for each class.",
                      at);
}

/// Reads one part of the data set in `folder`; its files begin with `stem` ("train" or "t10k"), and it is called `name`
/// from here on. Throws `tilery::error` when a file is missing or broken, when there are no pixels, when the images and
/// labels differ in number, and when a label is not below `dataset_classes`.
inline labelled_images load_idx_images(const std::filesystem::path& folder, const std::string& stem, std::string name,
                                       tilery::where at = {}) {
  const auto images_path = find_idx_file(folder, stem + "-images", 3, at);
  const auto labels_path = find_idx_file(folder, stem + "-labels", 1, at);
  const auto refuse = [at](const std::filesystem::path& path, const std::string& predicate) {
    throw tilery::error("The file " + path.string() + " " + predicate, at);
  };

  idx_array images = read_idx(images_path, at);
  idx_array labels = read_idx(labels_path, at);
  if (images.shape.size() != 3)
    refuse(images_path, "has " + std::to_string(images.shape.size()) +
                            " dimensions, but images must have 3: count, rows and columns.");
  if (labels.shape.size() != 1)
    refuse(labels_path, "has " + std::to_string(labels.shape.size()) + " dimensions, but labels must have 1.");
  if (images.values.empty())
    refuse(images_path, "has no pixels, but must have at least one image of at least one pixel.");
  if (labels.shape[0] != images.shape[0])
    refuse(labels_path, "has " + std::to_string(labels.shape[0]) + " labels, but must have one for each of the " +
                            std::to_string(images.shape[0]) + " images of " + images_path.string() + ".");
  const auto wrong = std::find_if(labels.values.begin(), labels.values.end(),
                                  [](std::uint8_t label) { return label >= dataset_classes; });
  if (wrong != labels.values.end())
    refuse(labels_path, "has the label " + std::to_string(*wrong) + " at position " +
                            std::to_string(wrong - labels.values.begin()) + ", but labels must be below " +
                            std::to_string(dataset_classes) + ".");
  return {std::move(name), images.shape[0],          images.shape[1],         images.shape[2], 1,
          dataset_classes, std::move(images.values), std::move(labels.values)};
}

}  // namespace tilery_examples
