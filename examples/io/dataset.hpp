// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A data set is four IDX files in one folder, named as MNIST names them: images and labels, to train and to test.
// Without a folder the program takes Fashion-MNIST where Debian installs it, else the digits of this repository.
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <tilery/core/error.hpp>

#include "labelled_images.hpp"

namespace tilery_examples {

/// Images to train with and images to test with, of the same size.
struct dataset {
  labelled_images train, test;
  std::string name;
  std::string citation;  ///< how to cite it; empty where the source is not known
};

/// A folder whose content is known, so that results can name and cite it.
struct known_dataset {
  std::filesystem::path folder;
  std::string name, citation;
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
           "Learning Algorithms. arXiv:1708.07747, 2017."},
          {digits_folder(), "UCI digits",
           "E. Alpaydin and C. Kaynak. Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, "
           "1998. https://doi.org/10.24432/C50P49"}};
}

/// Reads the data set in `folder`, or without one the first of `known` whose folder exists; a folder that exists but is
/// broken is refused, never passed over. Throws `tilery::error` as `load_labelled_images` does, when no folder is found
/// and when the images to train and to test with differ in size.
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

  dataset loaded{load_labelled_images(place, "train", "train", at),
                 load_labelled_images(place, "t10k", "test", at),
                 {},
                 {}};
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
  } else {
    loaded.name = std::filesystem::absolute(place).lexically_normal().string();
  }
  return loaded;
}

}  // namespace tilery_examples
