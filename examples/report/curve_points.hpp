// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Curves as lists of points, and the two things done to them before they are drawn: smoothing and thinning.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace tilery_examples {

/// A curve: (x, y) by rising x.
using curve_points = std::vector<std::pair<double, double>>;

/// Each y replaced by the mean of all, weighted by exp(-distance / reach) where distance counts points to either side:
/// unlike a mean of the past, it does not trail behind the curve.
inline curve_points smoothed(const curve_points& points, double reach) {
  const double keep = std::exp(-1 / reach);
  std::vector<double> sums(points.size()), weights(points.size());
  double sum = 0, weight = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {  // this point and those before it
    sums[i] = sum = keep * sum + points[i].second;
    weights[i] = weight = keep * weight + 1;
  }
  curve_points means(points.size());
  sum = weight = 0;
  for (std::size_t i = points.size(); i-- > 0;) {  // and those after it
    means[i] = {points[i].first, (sums[i] + sum) / (weights[i] + weight)};
    sum = keep * (sum + points[i].second);
    weight = keep * (weight + 1);
  }
  return means;
}

/// At most twice `stretches` of the points: the lowest and the highest of each of as many equal stretches, in order.
inline curve_points thinned(const curve_points& points, std::size_t stretches) {
  if (points.size() <= 2 * stretches) return points;
  const auto by_y = [](const auto& left, const auto& right) { return left.second < right.second; };
  curve_points kept;
  for (std::size_t i = 0; i < stretches; ++i) {
    const auto begin = points.begin() + static_cast<std::ptrdiff_t>(points.size() * i / stretches);
    const auto end = points.begin() + static_cast<std::ptrdiff_t>(points.size() * (i + 1) / stretches);
    const auto [low, high] = std::minmax_element(begin, end, by_y);
    kept.push_back(*std::min(low, high));
    if (low != high) kept.push_back(*std::max(low, high));
  }
  return kept;
}

}  // namespace tilery_examples
