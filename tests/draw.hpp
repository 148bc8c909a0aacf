// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Drawn test data. The seed is printed with each suite; TILERY_SEED repeats a run.
#pragma once

#include <tilery/core/convert.hpp>

#include <cstdlib>
#include <iostream>
#include <random>
#include <vector>

namespace tilery_tests {

/// The generator of a suite.
inline std::mt19937_64& generator() {
  static std::mt19937_64 engine = [] {
    const char* given = std::getenv("TILERY_SEED");
    const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "TILERY_SEED=" << seed << " repeats this run\n";
    return std::mt19937_64(seed);
  }();
  return engine;
}

/// A whole number in [low, high].
inline int draw(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator()); }

/// n values, uniform in [low, high].
template <class T>
std::vector<T> draw_values(std::size_t n, double low = -1, double high = 1) {
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<T> values(n);
  for (T& v : values) v = tilery::convert<T>(static_cast<tilery::accumulator_t<T>>(uniform(generator())));
  return values;
}

/// Any element as a double.
template <class T>
double as_double(T value) {
  return static_cast<double>(tilery::convert<tilery::accumulator_t<T>>(value));
}

}  // namespace tilery_tests
