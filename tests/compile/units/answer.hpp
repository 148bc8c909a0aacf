// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What each unit of a program computes for itself: a product and a softmax, compared with plain loops in double. The
// functions are templates, so that a linker that took one unit's for the other's would be noticed by its instructions.
#pragma once

#include <tilery/core/buffer.hpp>
#include <tilery/gemm.hpp>
#include <tilery/softmax.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

/// Largest difference to the reference.
struct answer {
  double gemm, softmax;
};

namespace {  // each unit has its own

constexpr int m = 37, n = 48, k = 40;

inline float element(int i) { return static_cast<float>(i * 7919 % 101) / 101 - 0.5f; }

/// The larger one; NaN counts as infinite.
inline double larger(double x, double y) { return std::isnan(y) ? INFINITY : std::max(x, y); }

/// c - A B and y - softmax(c), the largest of each.
inline answer compare(const std::vector<float>& a, const std::vector<float>& b, const std::vector<float>& c,
                      const std::vector<float>& y) {
  answer worst{0, 0};
  for (int i = 0; i < m; ++i) {
    double total = 0;
    for (int j = 0; j < n; ++j) total += std::exp(static_cast<double>(c[i * n + j]));
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int l = 0; l < k; ++l) sum += static_cast<double>(a[i * k + l]) * b[l * n + j];
      worst.gemm = larger(worst.gemm, std::abs(sum - c[i * n + j]));
      worst.softmax =
          larger(worst.softmax, std::abs(std::exp(static_cast<double>(c[i * n + j])) / total - y[i * n + j]));
    }
  }
  return worst;
}

/// gemm and softmax are the calls under test: gemm(executor, a, b, c), softmax(executor, c, y).
template <class Executor, class Gemm, class Softmax>
answer answer_on(const Executor& executor, Gemm gemm, Softmax softmax) {
  std::vector<float> a(m * k), b(k * n), c(m * n), y(m * n);
  for (int i = 0; i < m * k; ++i) a[i] = element(i);
  for (int i = 0; i < k * n; ++i) b[i] = element(i + 1);
  tilery::buffer<float, 2> there_a(executor, m, k), there_b(executor, k, n), there_c(executor, m, n),
      there_y(executor, m, n);
  tilery::copy_dense(executor, tilery::matrix(a.data(), m, k), there_a);
  tilery::copy_dense(executor, tilery::matrix(b.data(), k, n), there_b);
  gemm(executor, there_a, there_b, there_c);
  softmax(executor, there_c, there_y);
  tilery::copy_dense(executor, there_c, tilery::matrix(c.data(), m, n));
  tilery::copy_dense(executor, there_y, tilery::matrix(y.data(), m, n));
  executor.wait();
  return compare(a, b, c, y);
}

inline bool right(answer worst) { return worst.gemm < 1e-5 && worst.softmax < 1e-6; }

}  // namespace
