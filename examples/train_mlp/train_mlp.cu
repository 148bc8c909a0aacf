// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Trains a multilayer perceptron on images, on whatever machine there is. The loop is in training.hpp.
#include <tilery/cpu.hpp>
#include <tilery/cuda.hpp>
#ifdef TILERY_WITH_VIRTUAL_GPU
#include <tilery/virtual_gpu.hpp>
#endif

#include "training.hpp"

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

/// Picks the executor and calls f(executor, its name in words).
template <class F>
void on_executor(const std::string& wanted, int threads, F&& f) {
  if (wanted == "cuda" || wanted == "auto") {
    if (tilery::with_cuda([&](const auto& gpu) { f(gpu, std::string("cuda")); })) return;
    if (wanted == "cuda")
      throw tilery::error(
          "--executor cuda: there is no CUDA device, or this program was built without nvcc; use --executor cpu");
  }
  if (wanted == "virtual") {
#ifdef TILERY_WITH_VIRTUAL_GPU
    return f(tilery::virtual_gpu(tilery::arch::sm_90), std::string("the virtual GPU (sm_90)"));
#else
    throw tilery::error(
        "--executor virtual: this program was built without Boost.Context; install libboost-context-dev and build "
        "again");
#endif
  }
  const tilery::cpu host = threads ? tilery::cpu(threads) : tilery::cpu();
  if (const char* slow = tilery::cpu::slow_build()) std::printf("note: %s\n", slow);
  f(host, "the CPU with " + std::to_string(host.threads()) + (host.threads() == 1 ? " thread" : " threads"));
}

int run(train_options o) {
  const dataset data = load_dataset(o.data);
  if (o.executor == "virtual" && o.steps == 0) o.steps = 20;
  double tested = 0;
  on_executor(o.executor, o.threads, [&](const auto& executor, const std::string& name) {
    announce(data, o, name);
    if (o.dry_run) return;
    std::filesystem::create_directories(o.output);
    tested = train(executor, data, o);
  });
  if (o.dry_run) return 0;
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
