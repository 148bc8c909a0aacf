// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The training loop, the same for every network on every executor. `train` is the lesson: data, forward, loss,
// backward, step. What stands around it is testing, saving and showing.
#pragma once

#include <tilery/loss.hpp>

#include "../io/interrupt.hpp"
#include "../report/curve_table.hpp"
#include "../report/filter_picture.hpp"
#include "../report/learning_curve.hpp"
#include "../report/progress.hpp"
#include "evaluation.hpp"
#include "options.hpp"
#include "output_files.hpp"
#include "trainee.hpp"

#include <chrono>
#include <numeric>

namespace tilery_examples {

/// The mean of a batch's losses; waits for the executor.
template <class Executor>
double mean_loss(const Executor& executor, const tilery::buffer<float>& losses, int rows) {
  std::vector<float> host(static_cast<std::size_t>(rows));
  tilery::copy_dense(executor, tilery::vector_view<float>(losses.data_handle(), rows),
                     tilery::vector(host.data(), rows));
  executor.wait();
  return std::accumulate(host.begin(), host.end(), 0.0) / rows;
}

/// Trains, and returns what the network takes the test images for at the end; an interruption ends it early. Each
/// epoch's end and an interruption save everything that is needed to go on. With `resumed`, goes on from there.
template <template <class> class Network, class Executor>
confusion_matrix train(const Executor& executor, const dataset& data, const train_options& o,
                       const checkpoint* resumed) {
  const training_plan& plan = o.plan;
  const output_files files{o.output};
  const pixel_scale scale = pixel_scale::of(data.train);
  batches<Executor> training(executor, data.train, scale, plan.batch, {plan.crop, plan.flip}, plan.seed),
      tests(executor, data.test, scale, plan.batch);
  trainee<Network<Executor>, Executor> t(executor, data, plan);
  Network<Executor>& network = t.network;
  tilery::buffer<float> losses(executor, plan.batch);
  const int an_epoch = training.count(), steps = plan.steps_of(an_epoch);

  progress display(static_cast<std::uint64_t>(plan.epochs), data.train.count);
  learning_curve curve(data.name);
  if (resumed != nullptr) {
    t.restore(*resumed, files.model());
    for (const curve_row& row : read_curve_table(files.table(), static_cast<std::uint64_t>(t.step))) curve.add(row);
    const auto in_epoch = static_cast<std::uint64_t>(t.step % an_epoch) * static_cast<std::uint64_t>(plan.batch);
    display.begin_at(static_cast<std::uint64_t>(t.step / an_epoch),
                     std::min<std::uint64_t>(in_epoch, data.train.count));
  }
  const double seconds_before = curve.rows().empty() ? 0 : curve.rows().back().seconds;
  const auto start = std::chrono::steady_clock::now();
  const auto row_of = [&](double loss, std::optional<double> accuracy) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    return curve_row{static_cast<std::uint64_t>(t.step), static_cast<double>(t.step) / an_epoch, loss, accuracy,
                     seconds_before + seconds.count()};
  };
  double last_loss = curve.rows().empty() ? 0 : curve.rows().back().loss;
  std::optional<confusion_matrix> tested;  // with the weights of now

  const interrupt_guard guard;
  while (t.step < steps && !interrupted()) {
    training.begin_epoch(t.step / an_epoch);
    for (int i = t.step % an_epoch; i < an_epoch && t.step < steps && !interrupted(); ++i) {
      const batch_view batch = training[i];
      const auto logits = network.forward(batch.images);
      tilery::softmax_cross_entropy(executor, logits, batch.labels,
                                    tilery::vector_view<float>(losses.data_handle(), batch.rows),
                                    network.logits_gradient(batch.rows), {.scale = 1.0 / batch.rows});
      network.backward(batch.images);
      t.update(steps);

      tested.reset();
      const bool looked_at = t.step % 10 == 0 || t.step == steps;
      const auto loss = looked_at ? std::optional(mean_loss(executor, losses, batch.rows)) : std::nullopt;
      display.add(static_cast<std::uint64_t>(batch.rows), loss);
      if (!loss) continue;
      last_loss = *loss;
      curve.add(row_of(last_loss, std::nullopt));
    }
    if (t.step % an_epoch != 0 && t.step != steps) break;  // interrupted inside of an epoch
    tested = test(executor, network, tests, data.class_names);
    display.end_epoch(tested->accuracy());
    curve.add(row_of(last_loss, tested->accuracy()));
    curve.write_table(files.table());
    t.save(files.model(), data, scale);
  }

  if (const auto no_picture = curve.write(files.table(), files.curve())) display.say(*no_picture);
  if (!tested) {  // interrupted inside of an epoch, or resumed at the end
    t.save(files.model(), data, scale);
    tested = test(executor, network, tests, data.class_names);
  }
  tested->write(files.confusion(), data.name);
  write_png(files.filters(), filter_picture(on_host(executor, network.tensors().weights()), network.filters()));
  if (interrupted())
    display.say("stopped by " + std::string(interrupt_signal == SIGINT ? "Ctrl-C" : "a signal") + " after step " +
                std::to_string(t.step) + " of " + std::to_string(steps) + "; saved: the weights so far in " +
                files.model().string() + ", the learning curve in " + files.table().string() +
                "; --resume goes on from there");
  return *tested;
}

}  // namespace tilery_examples
