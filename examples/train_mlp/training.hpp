// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The training loop, the same on every executor. `train` is the lesson; what stands around it is testing and saving.
#pragma once

#include <tilery/loss.hpp>
#include <tilery/optimizer.hpp>

#include "../io/interrupt.hpp"
#include "../report/learning_curve.hpp"
#include "../report/progress.hpp"
#include "batches.hpp"
#include "checkpoint.hpp"
#include "mlp.hpp"
#include "options.hpp"

#include <numbers>

namespace tilery_examples {

/// The share of images whose largest logit is their label's.
template <class Executor>
double accuracy(const Executor& executor, mlp<Executor>& network, batches<Executor>& test) {
  int right = 0, all = 0;
  std::vector<float> logits;
  for (int i = 0; i < test.count(); ++i) {
    const batch_view batch = test[i];
    const auto on_executor = network.forward(batch.images);
    const int classes = on_executor.extent(1);
    logits.resize(static_cast<std::size_t>(on_executor.size()));
    tilery::copy_dense(executor, on_executor, tilery::matrix(logits.data(), batch.rows, classes));
    executor.wait();
    for (int r = 0; r < batch.rows; ++r) {
      const float* row = logits.data() + static_cast<std::size_t>(r) * classes;
      right += std::max_element(row, row + classes) - row == test.host_labels()[r];
    }
    all += batch.rows;
  }
  return static_cast<double>(right) / all;
}

/// The mean of a batch's losses; waits for the executor.
template <class Executor>
double mean_loss(const Executor& executor, const buffer<float>& losses, int rows) {
  std::vector<float> host(static_cast<std::size_t>(rows));
  tilery::copy_dense(executor, vector_view<float>(losses.data_handle(), rows), tilery::vector(host.data(), rows));
  executor.wait();
  return std::accumulate(host.begin(), host.end(), 0.0) / rows;
}

/// The learning rate of a step: up along a line in the first twentieth, then down to 0 along a cosine.
inline double rate_at(double highest, int step, int steps) {
  const double share = static_cast<double>(step) / steps;
  if (share < 0.05) return highest * share / 0.05;
  return highest * 0.5 * (1 + std::cos(std::numbers::pi * (share - 0.05) / 0.95));
}

template <class Executor>
void save(const Executor& executor, const mlp<Executor>& network, const std::filesystem::path& path,
          const std::string& trained_on) {
  std::vector<float> host(static_cast<std::size_t>(network.weights().size()));
  tilery::copy_dense(executor, network.weights(), tilery::vector(host.data(), static_cast<int>(host.size())));
  executor.wait();
  std::vector<named_weights> all;
  for (std::size_t i = 0; i < network.layers().size(); ++i) {
    const linear_layer& l = network.layers()[i];
    const auto part = [&](const float* from, std::int64_t n) {
      return std::span<const float>(host).subspan(static_cast<std::size_t>(from - network.weights().data_handle()),
                                                  static_cast<std::size_t>(n));
    };
    const auto in = static_cast<std::uint64_t>(l.inputs), out = static_cast<std::uint64_t>(l.outputs);
    all.push_back({"layers." + std::to_string(i) + ".weight", {in, out}, part(l.weights.pointer, l.weights.size())});
    all.push_back({"layers." + std::to_string(i) + ".bias", {out}, part(l.bias.pointer, l.bias.size())});
  }
  save_checkpoint(path, all, {{"layout", "y = x weight + bias"}, {"trained on", trained_on}});
}

/// Trains, and returns the test accuracy at the end; an interruption ends it early, with everything saved.
template <class Executor>
double train(const Executor& executor, const dataset& data, const train_options& o) {
  const pixel_scale scale = pixel_scale::of(data.train);
  batches<Executor> training(executor, data.train, scale, o.batch), test(executor, data.test, scale, o.batch);
  mlp<Executor> network(executor, {training.pixels(), 256, 128, static_cast<int>(data.train.classes)}, o.batch, o.seed);
  buffer<float> first(executor, network.weights().size()), second(executor, network.weights().size()),
      losses(executor, o.batch);
  tilery::fill_zero(executor, first);
  tilery::fill_zero(executor, second);

  const int steps = o.steps > 0 ? std::min(o.steps, o.epochs * training.count()) : o.epochs * training.count();
  std::mt19937_64 order(o.seed);
  progress display(o.epochs, data.train.count);
  learning_curve curve(data.name);
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  double tested = 0, last_loss = 0;
  int step = 0;

  const interrupt_guard guard;
  while (step < steps && !interrupted()) {
    training.shuffle(order);
    for (int i = 0; i < training.count() && step < steps && !interrupted(); ++i) {
      const batch_view batch = training[i];
      const auto logits = network.forward(batch.images);
      tilery::softmax_cross_entropy(executor, logits, batch.labels,
                                    vector_view<float>(losses.data_handle(), batch.rows),
                                    network.logits_gradient(batch.rows), {.scale = 1.0 / batch.rows});
      network.backward(batch.images);
      ++step;
      tilery::adam(executor, network.weights(), network.gradient(), first, second,
                   {.rate = rate_at(o.rate, step, steps), .step = step});

      const bool looked_at = step % 10 == 0 || step == steps;
      const auto loss = looked_at ? std::optional(mean_loss(executor, losses, batch.rows)) : std::nullopt;
      display.add(static_cast<std::uint64_t>(batch.rows), loss);
      if (!loss) continue;
      last_loss = *loss;
      curve.add(
          {static_cast<std::uint64_t>(step), static_cast<double>(step) / training.count(), last_loss, {}, seconds()});
    }
    tested = accuracy(executor, network, test);
    display.end_epoch(tested);
    curve.add(
        {static_cast<std::uint64_t>(step), static_cast<double>(step) / training.count(), last_loss, tested, seconds()});
  }

  const std::filesystem::path model = o.output / "model.safetensors", table = o.output / "curve.csv";
  save(executor, network, model, data.name);
  if (const auto no_picture = curve.write(table, o.output / "curve.svg")) display.say(*no_picture);
  if (interrupted())
    display.say("stopped by " + std::string(interrupt_signal == SIGINT ? "Ctrl-C" : "a signal") + " after step " +
                std::to_string(step) + " of " + std::to_string(steps) + "; saved: the weights so far in " +
                model.string() + ", the learning curve in " + table.string());
  return tested;
}

}  // namespace tilery_examples
