// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Classifies pictures, or the test images of a data set, with what a trainer has saved.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <tilery/core/error.hpp>

#include "../io/dataset.hpp"
#include "../report/decimal.hpp"
#include "classifier.hpp"

namespace tilery_examples {

struct predict_options {
  std::string model;
  std::vector<std::string> pictures;  // none: the test images of `data`
  std::string data, confusion;
  bool negative = false;
  int best = 3, threads = 0;
};

/// Prints the most probable classes of each picture, a line a picture.
void classify_pictures(const classifier& network, const predict_options& o) {
  const checkpoint& trained = network.trained;
  for (const std::string& path : o.pictures) {
    picture image = read_png(path, trained.image.channels);
    if (image.shape() != trained.image)
      throw tilery::error("The PNG file " + path + " has " + std::to_string(image.rows) + " x " +
                          std::to_string(image.columns) + " pixels, but the network of " + o.model + " takes " +
                          std::to_string(trained.image.rows) + " x " + std::to_string(trained.image.columns) + ".");
    if (o.negative)
      for (std::uint8_t& value : image.values) value = static_cast<std::uint8_t>(255 - value);
    const std::vector<double> probability = network.classify(image);
    std::vector<std::size_t> order(probability.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return probability[a] > probability[b]; });
    order.resize(std::min(order.size(), static_cast<std::size_t>(o.best)));
    std::string line = path + ":";
    for (const std::size_t i : order)
      line +=
          (i == order.front() ? " " : ", ") + trained.class_names[i] + " " + decimal(100 * probability[i], 1) + " %";
    std::printf("%s\n", line.c_str());
  }
}

/// Prints how many test images the network knows, and what it takes for what.
void test_images(const classifier& network, const predict_options& o) {
  const checkpoint& trained = network.trained;
  const dataset data = load_dataset(o.data.empty() ? std::nullopt : std::optional<std::filesystem::path>(o.data));
  const std::string subject = "The data set " + data.name + " has ";
  if (data.test.shape() != trained.image)
    throw tilery::error(subject + "images of " + shape_of_image(data.test.shape()) + ", but the network of " + o.model +
                        " takes " + shape_of_image(trained.image) + ".");
  if (data.class_names != trained.class_names)
    throw tilery::error(subject + "other classes than the data set " + trained.trained_on +
                        ", with which the network of " + o.model + " was trained; they must be the same.");
  const confusion_matrix found = network.test(data.test);
  for (std::size_t i = 0; i < found.classes(); ++i) {
    std::uint64_t all = 0;
    for (std::size_t j = 0; j < found.classes(); ++j) all += found.count(i, j);
    std::printf("%-16s %6llu of %llu right\n", found.name(i).c_str(),
                static_cast<unsigned long long>(found.count(i, i)), static_cast<unsigned long long>(all));
  }
  if (const auto confusion = found.most_frequent()) std::printf("most frequent confusion: %s\n", confusion->c_str());
  if (!o.confusion.empty()) found.write(o.confusion, data.name);
  std::printf("test accuracy: %.4f\n", found.accuracy());
}

int run(int count, char** arguments) {
  predict_options o;
  CLI::App app(
      "Classifies pictures with what a trainer has saved. Without pictures: classifies the test images of a data set,\n"
      "Fashion-MNIST or the digits of this repository where --data names none.");
  app.add_option("model", o.model, "The trainer's model.safetensors")->required();
  app.add_option("pictures", o.pictures, "PNG files of the size that the network takes");
  app.add_flag("--negative", o.negative, "Swap light and dark: for dark things on a light ground");
  app.add_option("--best", o.best, "How many classes to name for a picture")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--data", o.data, "Folder with the four IDX files, gzipped or not, or with a folder of PNGs a class");
  app.add_option("--confusion", o.confusion, "Write what the test images are taken for as a picture (SVG)");
  app.add_option("--threads", o.threads, "Threads (0: all)")->check(CLI::Range(0, 1024))->capture_default_str();
  CLI11_PARSE(app, count, arguments);
  const classifier network = load_classifier(o.model, o.threads);
  o.pictures.empty() ? test_images(network, o) : classify_pictures(network, o);
  return 0;
}

}  // namespace tilery_examples

int main(int count, char** arguments) {
  try {
    return tilery_examples::run(count, arguments);
  } catch (const std::exception& e) {
    std::cerr << "predict: " << e.what() << "\n";
    return 1;
  }
}
