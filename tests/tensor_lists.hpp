// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Lists of tensors: the weights, gradients and states of a network.
#pragma once

#include "tests/layouts.hpp"

#include <tilery/ops/optimizer_tensors.hpp>

#include <string>

namespace tilery_tests {

using namespace tilery;

/// Tensors of some sizes, each in memory of its own that begins `offset` elements after an aligned address.
template <class T>
struct tensors {
  std::vector<buffer<T>> memory;
  std::vector<vector_view<T>> all;

  template <class Fixture>
  tensors(const Fixture& on, const std::vector<std::vector<T>>& values, int offset = 0) {
    for (auto one : values) {
      const std::size_t size = one.size();
      one.insert(one.begin(), static_cast<std::size_t>(offset), T{});
      memory.push_back(on.put(one));
      all.push_back(vector(memory.back().data_handle() + offset, size));
    }
  }
  template <class Fixture>
  std::vector<T> get(const Fixture& on, std::size_t i) const {
    std::vector<T> values = on.get(memory[i]);
    values.erase(values.begin(), values.end() - all[i].extents[0]);
    return values;
  }
};

template <class T>
std::vector<std::vector<T>> draw_tensors(const std::vector<int>& sizes) {
  std::vector<std::vector<T>> all;
  for (const int size : sizes) all.push_back(draw_values<T>(size));
  return all;
}

template <class W, class G>
std::vector<parameter<W, G>> parameters_of(const tensors<W>& w, const tensors<G>& g, int groups = 1) {
  std::vector<parameter<W, G>> all;
  for (std::size_t i = 0; i < w.all.size(); ++i)
    all.push_back({"t" + std::to_string(i), w.all[i], g.all[i], static_cast<int>(i) % groups});
  return all;
}

}  // namespace tilery_tests
