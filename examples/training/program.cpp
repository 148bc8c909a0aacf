// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "program.hpp"

#include <cstdio>
#include <iostream>

#include <tilery/core/error.hpp>

#include "../io/interrupt.hpp"
#include "output_files.hpp"

namespace tilery_examples {

namespace {

/// What will be trained, in two lines.
void announce(const training_program& program, const dataset& data, const train_options& o, const checkpoint* resumed,
              const std::string& where) {
  const training_plan& plan = o.plan;
  std::printf("%s: %u images to train on, %u to test on, %s, %u classes\n", data.name.c_str(), data.train.count,
              data.test.count, shape_of_image(data.train.shape()).c_str(), data.train.classes);
  std::string changes;
  if (plan.crop > 0) changes += ", moved by up to " + std::to_string(plan.crop);
  if (plan.flip) changes += ", half of them mirrored";
  const std::string length =
      plan.steps > 0 ? std::to_string(plan.steps) + " steps" : std::to_string(plan.epochs) + " epochs";
  std::printf("%s, AdamW, batches of %d%s, %s%s, on %s\n",
              program.describe(data.train.shape(), static_cast<int>(data.train.classes)).c_str(), plan.batch,
              changes.c_str(), length.c_str(),
              resumed == nullptr ? "" : (", from step " + std::to_string(resumed->step) + " on").c_str(),
              where.c_str());
  std::fflush(stdout);
}

/// The machine that the command line asks for.
trainer pick(const training_program& program, const train_options& o) {
  if (o.executor == "cuda" || o.executor == "auto") {
    if (const auto cuda = program.on_cuda()) return *cuda;
    if (o.executor == "cuda")
      throw tilery::error(
          "--executor cuda: there is no CUDA device, or this program was built without nvcc; use --executor cpu");
  }
  if (o.executor == "virtual") {
    if (const auto virtual_gpu = program.on_virtual_gpu()) return *virtual_gpu;
    throw tilery::error(
        "--executor virtual: this program was built without Boost.Context; install libboost-context-dev and build "
        "again");
  }
  return program.on_cpu(o.threads);
}

/// The checkpoint in the output folder, which must be of this program's network and of this data set.
checkpoint checkpoint_to_resume(const training_program& program, const dataset& data, const train_options& o) {
  const std::filesystem::path path = output_files{o.output}.model();
  checkpoint c = load_checkpoint(path);
  const auto refuse = [&](const std::string& predicate) {
    throw tilery::error("The checkpoint " + path.string() + " " + predicate);
  };
  if (c.network != program.network)
    refuse("is of a network \"" + c.network + "\", but " + program.name + " can go on only with \"" + program.network +
           "\".");
  if (c.images_checksum != checksum(data.train) || c.image != data.train.shape())
    refuse("is of a training on " + c.trained_on + ", but the images of " + data.name +
           " are others; --data must name the folder of the same images.");
  return c;
}

int run(const training_program& program, train_options o) {
  const dataset data = load_dataset(o.data);
  std::optional<checkpoint> resumed;
  if (o.resume) {
    resumed = checkpoint_to_resume(program, data, o);
    o.plan = resumed->plan;
  } else {
    if (o.executor == "virtual" && o.plan.steps == 0) o.plan.steps = 20;
    o.plan.flip = o.flip == "yes" || (o.flip == "auto" && data.keeps_class_mirrored);
  }
  const trainer machine = pick(program, o);
  announce(program, data, o, resumed ? &*resumed : nullptr, machine.where);
  if (o.dry_run) return 0;
  std::filesystem::create_directories(o.output);
  const confusion_matrix tested = machine.train(data, o, resumed ? &*resumed : nullptr);
  if (const auto confusion = tested.most_frequent()) std::printf("most frequent confusion: %s\n", confusion->c_str());
  std::printf("test accuracy: %.4f\n", tested.accuracy());
  return interrupted() ? 128 + interrupt_signal : 0;
}

}  // namespace

int run_training_program(const training_program& program, int count, char** arguments) {
  int status = 0;
  try {
    const auto options = read_options(count, arguments, program.about, program.defaults, status);
    return options ? run(program, *options) : status;
  } catch (const std::exception& e) {
    std::cerr << program.name << ": " << e.what() << "\n";
    return 1;
  }
}

}  // namespace tilery_examples
