// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The largest of many errors. std::max would pass over a NaN; here it is infinitely far off.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace tilery_tests {

class worst_error {
public:
  /// |got - want| as a multiple of the bound.
  void compare(double got, double want, double bound) {
    add(std::fabs(got - want) / (bound + std::numeric_limits<double>::min()));
  }
  void add(double error) {
    value_ = std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(value_, error);
  }
  double value() const { return value_; }

private:
  double value_ = 0;
};

}  // namespace tilery_tests
