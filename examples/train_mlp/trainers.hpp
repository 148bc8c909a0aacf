// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One trainer for each kind of machine. Each is the loop of training.hpp for one executor, in a unit of its own: they
// are compiled at the same time, and only the GPU's by nvcc.
#pragma once

#include "../io/dataset.hpp"
#include "options.hpp"

#include <functional>
#include <optional>
#include <string>

namespace tilery_examples {

struct trainer {
  std::string where;  ///< the machine, in words
  std::function<double(const dataset&, const train_options&)> train;
};

/// Nothing where there is no CUDA device, or where this program was built without nvcc.
std::optional<trainer> trainer_on_cuda();
/// On so many threads; 0: all.
trainer trainer_on_cpu(int threads);
/// Nothing where this program was built without Boost.Context.
std::optional<trainer> trainer_on_virtual_gpu();

}  // namespace tilery_examples
