// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes the images of a data set of IDX files as PNG files, in the folders that the trainers read.
//   digits_as_png DATA FOLDER
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "examples/io/idx_images.hpp"
#include "examples/io/png.hpp"

namespace {

using namespace tilery_examples;

void write(const labelled_images& images, const std::filesystem::path& folder) {
  const std::size_t size = images.shape().values();
  for (std::size_t i = 0; i < images.count; ++i) {
    const auto from = images.pixels.begin() + static_cast<std::ptrdiff_t>(i * size);
    const std::filesystem::path of_class = folder / std::to_string(images.labels[i]);
    std::filesystem::create_directories(of_class);
    const picture image{images.rows, images.columns, 1, {from, from + static_cast<std::ptrdiff_t>(size)}};
    const auto bytes =
        encode_png(image, [](const std::string& predicate) { throw tilery::error("A PNG file " + predicate); });
    std::ofstream file(of_class / (std::to_string(i) + ".png"),
                       std::ios::binary);  // not forced to the disk: 30 times as fast
    if (!file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())))
      throw tilery::error("A file in " + of_class.string() + " cannot be written.");
  }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count != 3) throw tilery::error("digits_as_png DATA FOLDER: it must have these two arguments");
    const std::filesystem::path folder = arguments[2];
    write(load_idx_images(arguments[1], "train", "train"), folder / "train");
    write(load_idx_images(arguments[1], "t10k", "test"), folder / "test");
    return 0;
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}
