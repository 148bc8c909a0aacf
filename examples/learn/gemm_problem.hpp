// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// C = A B in float, with A m x k and B k x n, row by row: what the GEMM lessons compute, and how it is checked.
#pragma once

#include "lesson.hpp"

namespace learn {

struct gemm_params {
  gmem_matrix<const float> a;  // (m, k)
  gmem_matrix<const float> b;  // (k, n)
  gmem_matrix<float> c;        // (m, n)
};

template <class Executor>
class gemm_problem {
public:
  gemm_problem(const Executor& executor, const sizes& mnk)
      : executor_(executor),
        a_(drawn(mnk.at(0), mnk.at(2), 1)),
        b_(drawn(mnk.at(2), mnk.at(1), 2)),
        on_a_(executor, a_),
        on_b_(executor, b_),
        on_c_(executor, host_matrix(mnk.at(0), mnk.at(1))) {}

  template <class Kernel>
  void start() const {
    const gemm_params p{for_kernel<const float>(on_a_.view()), for_kernel<const float>(on_b_.view()),
                        for_kernel<float>(on_c_.view())};
    launch<Kernel>(executor_, Kernel::blocks(p), p,
                   {reads("a", on_a_.view()), reads("b", on_b_.view()), writes("c", on_c_.view())});
  }

  outcome check() const {
    host_matrix c(a_.rows, b_.columns);
    on_c_.read_into(c);
    outcome result;
    double most = 0;  // of the sums of |a| |b|, which rounding is in proportion to
    for (int row = 0; row < c.rows; ++row)
      for (int column = 0; column < c.columns; ++column) {
        double sum = 0, magnitudes = 0;
        for (int k = 0; k < a_.columns; ++k) {
          const double product = double{a_.at(row, k)} * b_.at(k, column);
          sum += product, magnitudes += std::fabs(product);
        }
        result.error = std::max(result.error, error_of(c.at(row, column), sum));
        most = std::max(most, magnitudes);
      }
    result.allowed = a_.columns * most / (1 << 24);  // k roundings, each of at most 2^-24 of it
    result.multiply_adds = double(c.rows) * c.columns * a_.columns;
    return result;
  }

private:
  const Executor& executor_;
  host_matrix a_, b_;
  device_matrix<Executor> on_a_, on_b_, on_c_;
};

}  // namespace learn
