// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is right for the GEMM benchmarks' data: sums in double on the host, the bounds, and how tilery and a
// column-major library are asked for the same product.
#pragma once

#include "benchmarks/counted_uniform.hpp"
#include "benchmarks/gemm_types.hpp"

#include <tilery/core/view.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace tilery_benchmarks {

/// Seeds of the operands.
inline constexpr std::uint64_t seed_of_a = 1, seed_of_b = 2;

template <class T>
double as_double(T value) {
  return static_cast<double>(tilery::convert<tilery::accumulator_t<T>>(value));
}

/// The bound of ||out - reference|| / ||reference||: ten times what rounding does to sums of k random products (0.4 u
/// sqrt(k), u of the accumulation), and once C's own unit of rounding, of which the error's root mean square is 0.4.
/// Tensor cores cut sums off toward zero, which errors of tf32 add up to: a step of k = 8 loses up to 2^-23 of a sum
/// that is two thirds of the last one in the mean. Sums of s8 are exact.
template <class T>
double relative_bound(int k) {
  if (std::is_same_v<T, tilery::int8>) return 0;
  const double sums = 4 * (sizeof(T) == 8 ? 0x1p-53 : 0x1p-24) * std::sqrt(static_cast<double>(k) + 1);
  if (std::is_same_v<gemm_result_t<T>, tilery::bf16>) return sums + 0x1p-8;
  if (std::is_same_v<T, tilery::half>) return sums + 0x1p-11;
  if (std::is_same_v<T, tilery::tf32>) return 2 * sums + 0x1p-23 * k / 8;
  return sums;
}

/// `count` of 0, ..., extent - 1: the first, the last, and even steps between them.
inline std::vector<int> samples(int extent, int count) {
  std::vector<int> chosen;
  for (int i = 0; i < std::min(extent, count); ++i)
    chosen.push_back(static_cast<int>(std::int64_t{extent - 1} * i / std::max(1, std::min(extent, count) - 1)));
  return chosen;
}

/// The larger of two errors; NaN where one is.
inline double worse_of(double x, double y) { return std::isnan(x) || x >= y ? x : y; }

/// ||out - reference|| / ||reference|| over sampled rows and columns of one matrix, with the reference's sums in double
/// from the operands that begin at these indices. `row_of(r)` gives a row of C on the host. NaN where C has one.
template <class T, class RowOf>
double sampled_error_of_one(const gemm_shape& shape, std::int64_t a_begin, std::int64_t b_begin, const RowOf& row_of) {
  const auto rows = samples(shape.m, 16), columns = samples(shape.n, 16);
  const std::int64_t m = shape.m, n = shape.n, k = shape.k;
  std::vector<std::vector<double>> b_columns;
  for (const int column : columns) {
    auto& values = b_columns.emplace_back();
    for (std::int64_t i = 0; i < k; ++i)
      values.push_back(as_double(
          counted_uniform<T>(seed_of_b, static_cast<std::uint64_t>(
                                            b_begin + (shape.b_transposed ? column * k + i : i * n + column)))));
  }
  double differences = 0, squares = 0;
  std::vector<double> a_row(static_cast<std::size_t>(k));
  for (const int row : rows) {
    for (std::int64_t i = 0; i < k; ++i)
      a_row[static_cast<std::size_t>(i)] = as_double(
          counted_uniform<T>(seed_of_a,
                             static_cast<std::uint64_t>(a_begin + (shape.a_transposed ? i * m + row : row * k + i))));
    const std::vector<gemm_result_t<T>> got = row_of(row);
    for (std::size_t j = 0; j < columns.size(); ++j) {
      double sum = 0;
      for (std::size_t i = 0; i < a_row.size(); ++i) sum += a_row[i] * b_columns[j][i];
      const double difference = as_double(got[static_cast<std::size_t>(columns[j])]) - sum;
      differences += difference * difference, squares += sum * sum;
    }
  }
  return std::sqrt(differences / squares);
}

/// The largest such error of sampled matrices of the set that begins at these indices. `row_of(r)` gives one of C's
/// batch x m rows.
template <class T, class RowOf>
double sampled_error(const gemm_shape& shape, std::int64_t a_begin, std::int64_t b_begin, const RowOf& row_of) {
  const std::int64_t m = shape.m, n = shape.n, k = shape.k;
  double error = 0;
  for (const std::int64_t i : samples(shape.batch, 8))
    error = worse_of(error, sampled_error_of_one<T>(shape, a_begin + i * m * k, b_begin + i * k * n,
                                                    [&](int row) { return row_of(i * m + row); }));
  return error;
}

/// op(X) (rows x columns) of each matrix of a batch, as tilery takes it.
template <class T>
tilery::tensor_view<T, 3> batch_of(T* x, int batch, int rows, int columns, bool is_transposed) {
  tilery::tensor_view<T, 3> all(x, batch, rows, columns);
  if (is_transposed) all.strides[1] = 1, all.strides[2] = rows;
  return all;
}

/// How a column-major library is asked for a row-major C = op(A) op(B): C^T = op(B)^T op(A)^T, where a row-major matrix
/// is its own transpose, read by columns. So B comes first, A second, each with its own transposition.
struct column_major_operand {
  bool transposed;
  std::int64_t rows, columns, pitch;  // as stored, by columns
  /// Elements from a batch's matrix to the next.
  std::int64_t step() const { return pitch * columns; }
};
struct column_major_call {
  column_major_operand first, second, result;  // B, A, C
};
inline column_major_call column_major(const gemm_shape& s) {
  const auto stored = [](bool is_transposed, std::int64_t rows, std::int64_t columns) {  // row-major, before op
    const std::int64_t pitch = is_transposed ? rows : columns, lines = is_transposed ? columns : rows;
    return column_major_operand{is_transposed, pitch, lines, pitch};
  };
  return {stored(s.b_transposed, s.k, s.n), stored(s.a_transposed, s.m, s.k), stored(false, s.m, s.n)};
}

}  // namespace tilery_benchmarks
