// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The weights of a network and their gradients. All weights are in one tensor, and so are all gradients: the optimizer
// is one launch. A layer has views of its parts of both.
#pragma once

#include <tilery/core/buffer.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "random.hpp"

namespace tilery_examples {

/// One tensor of a network: its name, its shape, and where it begins in the tensor of all weights.
struct parameter {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::int64_t offset, size;
};

/// The tensors of a network before memory is allocated, with the values that they begin with.
class parameter_list {
public:
  explicit parameter_list(std::uint64_t seed) : seed_(seed) {}

  /// A tensor whose elements are `value`. Returns its number.
  int add(const std::string& name, std::vector<std::uint64_t> shape, float value = 0) {
    std::int64_t size = 1;
    for (const std::uint64_t extent : shape) size *= static_cast<std::int64_t>(extent);
    parameters_.push_back({name, std::move(shape), static_cast<std::int64_t>(values_.size()), size});
    values_.resize(values_.size() + static_cast<std::size_t>(size), value);
    values_.resize((values_.size() + 15) / 16 * 16, 0);  // each tensor begins at a multiple of 64 bytes
    return static_cast<int>(parameters_.size()) - 1;
  }

  /// A tensor drawn from He's uniform distribution for `inputs` inputs an output, times `factor`: its variance is
  /// factor^2 2 / inputs. (He, Zhang, Ren, Sun: Delving deep into rectifiers, arXiv:1502.01852, formula 10.)
  int add_drawn(const std::string& name, std::vector<std::uint64_t> shape, int inputs, double factor = 1) {
    const int number = add(name, std::move(shape));
    const parameter& p = parameters_.back();
    const double limit = factor * std::sqrt(6.0 / inputs);
    for (std::int64_t i = 0; i < p.size; ++i) {
      const auto drawn =
          draw(seed_, random_use::weights, static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(i));
      const double share = static_cast<double>(first_bits(drawn) >> 11) * 0x1p-53;  // in [0, 1)
      values_[static_cast<std::size_t>(p.offset + i)] = static_cast<float>((share * 2 - 1) * limit);
    }
    return number;
  }

  const std::vector<parameter>& all() const { return parameters_; }
  const std::vector<float>& values() const { return values_; }
  /// The number of weights, without the gaps between tensors.
  std::int64_t weights() const {
    std::int64_t sum = 0;
    for (const parameter& p : parameters_) sum += p.size;
    return sum;
  }

private:
  std::uint64_t seed_;
  std::vector<parameter> parameters_;
  std::vector<float> values_;
};

/// The tensors in an executor's memory, with their first values and gradients of zero.
template <class Executor>
class parameters {
public:
  parameters(const Executor& executor, parameter_list list)
      : all_(list.all()),
        weights_(executor, static_cast<std::int64_t>(list.values().size())),
        gradient_(executor, static_cast<std::int64_t>(list.values().size())) {
    tilery::copy_dense(executor, tilery::vector(list.values().data(), list.values().size()), weights_);
    tilery::fill_zero(executor, gradient_);
    executor.wait();
  }

  const std::vector<parameter>& all() const { return all_; }
  const tilery::buffer<float>& weights() const { return weights_; }
  const tilery::buffer<float>& gradient() const { return gradient_; }

  float* weight(int number) const { return weights_.data_handle() + at(number).offset; }
  float* gradient(int number) const { return gradient_.data_handle() + at(number).offset; }

private:
  const parameter& at(int number) const { return all_[static_cast<std::size_t>(number)]; }

  std::vector<parameter> all_;
  tilery::buffer<float> weights_, gradient_;
};

}  // namespace tilery_examples
