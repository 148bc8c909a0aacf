// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operands of lessons and exercises: matrices on the host, and in an executor's memory.
#pragma once

#include <tilery/core/buffer.hpp>
#include <tilery/simt/index.hpp>

#include <cmath>
#include <limits>
#include <vector>

namespace learn {

using namespace tilery;

/// A matrix on the host, its rows apart by a multiple of four elements, so that each begins where a vector may.
struct host_matrix {
  int rows, columns, stride;
  std::vector<float> values;

  host_matrix(int rows_, int columns_, float value = std::nanf(""))
      : rows(rows_),
        columns(columns_),
        stride(pieces(columns_, 4) * 4),
        values(static_cast<std::size_t>(rows_) * static_cast<std::size_t>(stride), value) {}
  float& at(int row, int column) { return values[static_cast<std::size_t>(row * stride + column)]; }
  float at(int row, int column) const { return values[static_cast<std::size_t>(row * stride + column)]; }
};

/// Values within +-range that look drawn, the same ones each time.
inline host_matrix drawn(int rows, int columns, std::uint32_t seed, float range = 1) {
  host_matrix result(rows, columns);
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      seed = seed * 1664525 + 1013904223;
      result.at(row, column) = (static_cast<float>(seed >> 8) / 8388608.0f - 1.0f) * range;
    }
  return result;
}

/// The same matrix in an executor's memory.
template <class Executor>
class device_matrix {
public:
  device_matrix(const Executor& executor, const host_matrix& from)
      : executor_(executor),
        memory_(executor, from.values.size()),
        view_(matrix(memory_.data_handle(), from.rows, from.columns, from.stride)) {
    copy_dense(executor_, vector(from.values.data(), static_cast<int>(from.values.size())), memory_);
  }
  matrix_view<float> view() const { return view_; }
  void read_into(host_matrix& to) const {
    copy_dense(executor_, memory_, vector(to.values.data(), static_cast<int>(to.values.size())));
    executor_.wait();
  }

private:
  const Executor& executor_;
  buffer<float> memory_;
  matrix_view<float> view_;
};

/// The error of one element; what is no number is wrong without bounds.
inline double error_of(double result, double reference) {
  const double error = std::fabs(result - reference);
  return error == error ? error : std::numeric_limits<double>::infinity();
}

}  // namespace learn
