// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an element of a product of matrices is compared with: the sum of its products in double.
#pragma once

#include "tests/draw.hpp"
#include "tests/worst_error.hpp"

namespace tilery_tests {

/// A row of A (m x k) times a column of B (k x n), and the sum of the products' magnitudes, which bounds its error.
struct exact_product {
  double sum = 0, magnitude = 0;

  template <class T, class U>
  exact_product(const std::vector<T>& a, const std::vector<U>& b, int n, int k, int row, int column) {
    for (int q = 0; q < k; ++q) {
      const double product =
          as_double(a[static_cast<std::size_t>(row) * k + q]) * as_double(b[static_cast<std::size_t>(q) * n + column]);
      sum += product, magnitude += std::fabs(product);
    }
  }
};

}  // namespace tilery_tests
