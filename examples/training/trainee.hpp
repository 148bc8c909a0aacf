// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A network in training: its weights, the optimizer's moments, and the steps made so far. All of it goes to a
// checkpoint and comes back the same to the bit.
#pragma once

#include <tilery/optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <string>
#include <vector>

#include "../io/dataset.hpp"
#include "checkpoint.hpp"
#include "parameters.hpp"

namespace tilery_examples {

/// Copies a tensor of all weights to the host, and waits for the executor.
template <class Executor>
std::vector<float> on_host(const Executor& executor, const tilery::buffer<float>& all) {
  std::vector<float> host(static_cast<std::size_t>(all.size()));
  tilery::copy_dense(executor, all, tilery::vector(host.data(), host.size()));
  executor.wait();
  return host;
}

/// Appends the parts of `all` to `to`, named as the tensors of `layout` with `prefix` before.
inline void append_tensors(const std::vector<parameter>& layout, const std::string& prefix,
                           const std::vector<float>& all, std::vector<named_tensor>& to) {
  for (const parameter& p : layout)
    to.push_back({prefix + p.name, p.shape, {all.begin() + p.offset, all.begin() + p.offset + p.size}});
}

/// The reverse: fills `all` from a checkpoint's tensors. Throws `tilery::error` where one is missing or of another
/// shape.
template <class Executor>
void load_tensors(const Executor& executor, const std::vector<parameter>& layout, const std::string& prefix,
                  const checkpoint& from, const std::filesystem::path& path, const tilery::buffer<float>& all) {
  std::vector<float> host(static_cast<std::size_t>(all.size()), 0.0f);
  for (const parameter& p : layout) {
    const named_tensor& tensor = from.tensor(prefix + p.name, p.shape, path);
    std::copy(tensor.values.begin(), tensor.values.end(), host.begin() + p.offset);
  }
  tilery::copy_dense(executor, tilery::vector(host.data(), host.size()), all);
  executor.wait();
}

/// The learning rate of a step: up along a line in the first twentieth, then down to 0 along a cosine.
inline double rate_at(double highest, int step, int steps) {
  const double share = static_cast<double>(step) / steps;
  if (share < 0.05) return highest * share / 0.05;
  return highest * 0.5 * (1 + std::cos(std::numbers::pi * (share - 0.05) / 0.95));
}

template <class Network, class Executor>
class trainee {
public:
  Network network;
  int step = 0;  ///< made so far

  trainee(const Executor& executor, const dataset& data, const training_plan& plan)
      : network(executor, data.train.shape(), static_cast<int>(data.train.classes), plan.batch, plan.seed),
        executor_(executor),
        plan_(plan),
        first_(executor, network.tensors().weights().size()),
        second_(executor, network.tensors().weights().size()) {
    tilery::fill_zero(executor, first_);
    tilery::fill_zero(executor, second_);
  }

  /// One step of AdamW, from the gradients of the network's last backward pass.
  void update(int steps) {
    ++step;
    const auto& tensors = network.tensors();
    tilery::adam(executor_, tensors.weights(), tensors.gradient(), first_, second_,
                 {.rate = rate_at(plan_.rate, step, steps), .weight_decay = plan_.decay, .step = step});
  }

  /// Writes the checkpoint of a training on `data`, whose images are scaled by `scale`.
  void save(const std::filesystem::path& path, const dataset& data, const pixel_scale& scale) const {
    checkpoint
        c{Network::name, data.train.shape(), scale, data.class_names, data.name, checksum(data.train), plan_, step, {}};
    append_tensors(network.tensors().all(), "", on_host(executor_, network.tensors().weights()), c.tensors);
    append_tensors(network.tensors().all(), first_moment, on_host(executor_, first_), c.tensors);
    append_tensors(network.tensors().all(), second_moment, on_host(executor_, second_), c.tensors);
    save_checkpoint(path, c);
  }

  /// Goes on from a checkpoint of the same network and data.
  void restore(const checkpoint& from, const std::filesystem::path& path) {
    load_tensors(executor_, network.tensors().all(), "", from, path, network.tensors().weights());
    load_tensors(executor_, network.tensors().all(), first_moment, from, path, first_);
    load_tensors(executor_, network.tensors().all(), second_moment, from, path, second_);
    step = from.step;
  }

private:
  static constexpr const char *first_moment = "adam.first.", *second_moment = "adam.second.";

  Executor executor_;
  training_plan plan_;
  tilery::buffer<float> first_, second_;  // Adam's moments
};

}  // namespace tilery_examples
