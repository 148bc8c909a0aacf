// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// y = softmax(x) of each row, e^(x - max) / sum of e^(x - max): what the softmax lessons compute, and how it is
// checked.
#pragma once

#include "lesson.hpp"

namespace learn {

struct softmax_params {
  gmem_matrix<const float> x;  // (rows, columns)
  gmem_matrix<float> y;        // (rows, columns)
};

template <class Executor>
class softmax_problem {
public:
  softmax_problem(const Executor& executor, const sizes& size)
      : executor_(executor),
        x_(drawn(size.at(0), size.at(1), 3, 8.0f)),
        on_x_(executor, x_),
        on_y_(executor, host_matrix(x_.rows, x_.columns)) {}

  template <class Kernel>
  void start() const {
    const softmax_params p{for_kernel<const float>(on_x_.view()), for_kernel<float>(on_y_.view())};
    launch<Kernel>(executor_, Kernel::blocks(p), p, {reads("x", on_x_.view()), writes("y", on_y_.view())});
  }

  /// The error is relative: most results are small.
  outcome check() const {
    host_matrix y(x_.rows, x_.columns);
    on_y_.read_into(y);
    outcome result;
    for (int row = 0; row < y.rows; ++row) {
      double sum = 0;
      for (int column = 0; column < y.columns; ++column) sum += std::exp(double{x_.at(row, column)});
      for (int column = 0; column < y.columns; ++column) {
        const double reference = std::exp(double{x_.at(row, column)}) / sum;
        result.error = std::max(result.error, error_of(y.at(row, column), reference) / reference);
      }
    }
    result.allowed = 1e-5;  // of e^x and of its argument; of a sum of positive numbers
    return result;
  }

private:
  const Executor& executor_;
  host_matrix x_;
  device_matrix<Executor> on_x_, on_y_;
};

}  // namespace learn
