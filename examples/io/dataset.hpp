// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A data set is a folder: of four IDX files named as MNIST names them (images and labels, to train and to test), or of
// PNG files in a sub-folder for each class. Without a folder the program takes Fashion-MNIST where Debian installs it,
// else the digits of this repository.
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <tilery/core/error.hpp>

#include "idx_images.hpp"
#include "png_folder.hpp"

namespace tilery_examples {

/// Images to train with and images to test with, of the same size.
struct dataset {
  labelled_images train, test;
  std::string name;
  std::string citation;                  ///< how to cite it; empty where the source is not known
  std::vector<std::string> class_names;  ///< of each class; 0, 1, ... where they have no names
  bool keeps_class_mirrored = false;     ///< true: a mirrored image is still one of its class, as of clothes
};

/// A folder whose content is known, so that results can name and cite it.
struct known_dataset {
  std::filesystem::path folder;
  std::string name, citation;
  std::vector<std::string> class_names = {};  ///< empty: the classes are numbers
  bool keeps_class_mirrored = false;
};

/// The folder of the UCI digits: TILERY_EXAMPLES_DIGITS where the build defines it, else found from this file's path.
inline std::filesystem::path digits_folder() {
#ifdef TILERY_EXAMPLES_DIGITS
  return TILERY_EXAMPLES_DIGITS;
#else
  return std::filesystem::path(__FILE__).parent_path().parent_path() / "data" / "digits";
#endif
}

/// The data sets that are looked for unasked, the first found wins.
inline std::vector<known_dataset> known_datasets() {
  return {{"/usr/share/datasets/fashion-mnist",  // Debian's package dataset-fashion-mnist
           "Fashion-MNIST",
           "Han Xiao, Kashif Rasul and Roland Vollgraf. Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine "
           "Learning Algorithms. arXiv:1708.07747, 2017.",
           {"T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"},
           true},
          {digits_folder(), "UCI digits",
           "E. Alpaydin and C. Kaynak. Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, "
           "1998. https://doi.org/10.24432/C50P49"}};
}

/// The content of a data set's folder, without a name: PNG files where it has sub-folders and no IDX file of training
/// images, else IDX files.
inline dataset load_dataset_files(const std::filesystem::path& place, tilery::where at = {}) {
  const auto is_idx = [](const std::filesystem::path& file) {
    return file.filename().string().starts_with("train-images");
  };
  const auto files = entries_of(place, false, at);
  if (std::none_of(files.begin(), files.end(), is_idx) && !entries_of(place, true, at).empty()) {
    png_dataset pictures = load_png_folder(place, at);
    return {std::move(pictures.train), std::move(pictures.test), {}, {}, std::move(pictures.class_names)};
  }
  dataset loaded{load_idx_images(place, "train", "train", at), load_idx_images(place, "t10k", "test", at), {}, {}, {}};
  for (std::uint32_t digit = 0; digit < loaded.train.classes; ++digit)
    loaded.class_names.push_back(std::to_string(digit));
  return loaded;
}

/// Reads the data set in `folder`, or without one the first of `known` whose folder exists; a folder that exists but is
/// broken is refused, never passed over. Throws `tilery::error` as `load_idx_images` and `load_png_folder` do, when no
/// folder is found and when the images to train and to test with differ in size.
inline dataset load_dataset(const std::optional<std::filesystem::path>& folder = std::nullopt,
                            const std::vector<known_dataset>& known = known_datasets(), tilery::where at = {}) {
  std::error_code ignored;  // what cannot be looked at counts as absent here
  const auto found = std::find_if(known.begin(), known.end(), [&](const known_dataset& candidate) {
    return folder ? std::filesystem::equivalent(candidate.folder, *folder, ignored)
                  : std::filesystem::is_directory(candidate.folder, ignored);
  });
  if (!folder && found == known.end()) {
    std::string places;
    for (const known_dataset& candidate : known) places += (places.empty() ? "" : ", ") + candidate.folder.string();
    throw tilery::error("No data set was found: one of these folders must exist, or a folder must be given: " + places +
                            ".",
                        at);
  }
  const std::filesystem::path& place = folder ? *folder : found->folder;
  if (!std::filesystem::is_directory(place, ignored))
    throw tilery::error("The data set folder " + place.string() +
                            " does not exist or is not a folder, but must be one.",
                        at);

  dataset loaded = load_dataset_files(place, at);
  const auto size_of = [](const labelled_images& images) {
    return std::to_string(images.rows) + " x " + std::to_string(images.columns);
  };
  if (size_of(loaded.train) != size_of(loaded.test))
    throw tilery::error("The data set folder " + place.string() + " has test images of " + size_of(loaded.test) +
                            " pixels, but they must be " + size_of(loaded.train) + " like its training images.",
                        at);
  if (found != known.end()) {
    loaded.name = found->name;
    loaded.citation = found->citation;
    loaded.keeps_class_mirrored = found->keeps_class_mirrored;
    if (!found->class_names.empty()) loaded.class_names = found->class_names;
  } else {
    loaded.name = std::filesystem::absolute(place).lexically_normal().string();
  }
  return loaded;
}

}  // namespace tilery_examples
