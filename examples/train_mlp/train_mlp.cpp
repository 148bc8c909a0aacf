// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Trains a multilayer perceptron on images, on whatever machine there is. The loop is in training.hpp.
#include <tilery/core/error.hpp>

#include "../io/interrupt.hpp"
#include "trainers.hpp"

#include <cstdio>
#include <iostream>

namespace tilery_examples {

/// What will be trained, in two lines.
void announce(const dataset& data, const train_options& o, const std::string& where) {
  std::printf("%s: %u images to train on, %u to test on, %u x %u pixels, %u classes\n", data.name.c_str(),
              data.train.count, data.test.count, data.train.rows, data.train.columns, data.train.classes);
  std::printf("%u-256-128-%u perceptron, Adam, batches of %d, %s, on %s\n", data.train.rows * data.train.columns,
              data.train.classes, o.batch,
              o.steps ? (std::to_string(o.steps) + " steps").c_str() : (std::to_string(o.epochs) + " epochs").c_str(),
              where.c_str());
  std::fflush(stdout);
}

/// The machine that the command line asks for.
trainer pick(const train_options& o) {
  if (o.executor == "cuda" || o.executor == "auto") {
    if (const auto cuda = trainer_on_cuda()) return *cuda;
    if (o.executor == "cuda")
      throw tilery::error(
          "--executor cuda: there is no CUDA device, or this program was built without nvcc; use --executor cpu");
  }
  if (o.executor == "virtual") {
    if (const auto virtual_gpu = trainer_on_virtual_gpu()) return *virtual_gpu;
    throw tilery::error(
        "--executor virtual: this program was built without Boost.Context; install libboost-context-dev and build "
        "again");
  }
  return trainer_on_cpu(o.threads);
}

int run(train_options o) {
  const dataset data = load_dataset(o.data);
  if (o.executor == "virtual" && o.steps == 0) o.steps = 20;
  const trainer machine = pick(o);
  announce(data, o, machine.where);
  if (o.dry_run) return 0;
  std::filesystem::create_directories(o.output);
  const double tested = machine.train(data, o);
  std::printf("test accuracy: %.4f\n", tested);
  return interrupted() ? 128 + interrupt_signal : 0;
}

}  // namespace tilery_examples

int main(int count, char** arguments) {
  int status = 0;
  try {
    const auto options = tilery_examples::read_options(count, arguments, status);
    return options ? tilery_examples::run(*options) : status;
  } catch (const std::exception& e) {
    std::cerr << "train_mlp: " << e.what() << "\n";
    return 1;
  }
}
