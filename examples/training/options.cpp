// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Registers the options of options.hpp, which says how to add one.
#include "options.hpp"

#include <CLI/CLI.hpp>

namespace tilery_examples {

std::optional<train_options> read_options(int count, char** arguments, const std::string& about,
                                          const train_options& defaults, int& status) {
  train_options o = defaults;
  training_plan& p = o.plan;
  std::string data, output = o.output.string();
  CLI::App app(about +
               "\nWithout --data: Fashion-MNIST from the package dataset-fashion-mnist, else the digits of this "
               "repository.\nCtrl-C ends training; --resume goes on where it ended.");
  app.add_option("--seed", p.seed, "Seed of the weights, of the order of the images, and of crop and flip")
      ->capture_default_str();
  app.add_option("--epochs", p.epochs, "Passes over the training images")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--batch", p.batch, "Images a step")->check(CLI::Range(1, 65536))->capture_default_str();
  app.add_option("--steps", p.steps, "End after so many steps (0: after the epochs; the virtual GPU: 20)")
      ->check(CLI::Range(0, 1 << 30));
  app.add_option("--rate", p.rate, "Highest learning rate of AdamW; it falls to 0 along a cosine")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--decay", p.decay, "Weight decay of AdamW")->check(CLI::NonNegativeNumber)->capture_default_str();
  app.add_option("--crop", p.crop, "Move each training image by up to so many pixels, another way each epoch")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--flip", o.flip, "Mirror half of the training images; auto: only where the data set allows it")
      ->check(CLI::IsMember({"auto", "yes", "no"}))
      ->capture_default_str();
  const auto plan = app.get_options([](const CLI::Option* option) { return option->get_name() != "--help"; });
  app.add_option("--data", data, "Folder with the four IDX files, gzipped or not, or with a folder of PNGs a class");
  app.add_option("--output", output, "Folder for the weights, the learning curve and the pictures")
      ->capture_default_str();
  app.add_option("--executor", o.executor, "Where to train; auto: cuda where there is a device, else cpu")
      ->check(CLI::IsMember({"auto", "cuda", "cpu", "virtual"}))
      ->capture_default_str();
  app.add_option("--threads", o.threads, "Threads of the host (0: all; the virtual GPU uses one)")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  CLI::Option* resume = app.add_flag("--resume", o.resume, "Go on with the training in the output folder, as it began");
  app.add_flag("--dry-run", o.dry_run, "Say what would be trained, and end");
  for (CLI::Option* decided : plan) resume->excludes(decided);  // the checkpoint has them
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
