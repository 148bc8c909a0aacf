// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "options.hpp"

#include <CLI/CLI.hpp>

namespace tilery_examples {

std::optional<train_options> read_options(int count, char** arguments, int& status) {
  train_options o;
  std::string data, output = o.output.string();
  CLI::App app(
      "Trains a multilayer perceptron (784-256-128-10 on Fashion-MNIST) with Adam, and shows how it goes.\n"
      "Without --data: Fashion-MNIST from the package dataset-fashion-mnist, else the digits of this repository.\n"
      "Ctrl-C ends training; the weights so far are saved.");
  app.add_option("--seed", o.seed, "Seed of the weights and of the order of the images")->capture_default_str();
  app.add_option("--epochs", o.epochs, "Passes over the training images")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--batch", o.batch, "Images a step")->check(CLI::Range(1, 65536))->capture_default_str();
  app.add_option("--steps", o.steps, "End after so many steps (0: after the epochs; the virtual GPU: 20)")
      ->check(CLI::Range(0, 1 << 30));
  app.add_option("--rate", o.rate, "Highest learning rate of Adam; it falls to 0 along a cosine")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--data", data, "Folder with the four IDX files, gzipped or not");
  app.add_option("--output", output, "Folder for curve.svg, curve.csv and model.safetensors")->capture_default_str();
  app.add_option("--executor", o.executor, "Where to train; auto: cuda where there is a device, else cpu")
      ->check(CLI::IsMember({"auto", "cuda", "cpu", "virtual"}))
      ->capture_default_str();
  app.add_option("--threads", o.threads, "Threads of the host (0: all; the virtual GPU uses one)")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_flag("--dry-run", o.dry_run, "Say what would be trained, and end");
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& e) {
    status = app.exit(e);
    return {};
  }
  if (!data.empty()) o.data = data;
  o.output = output;
  return o;
}

}  // namespace tilery_examples
