// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The difference of two results on the GPU, over all of their elements.
#pragma once

#include <tilery/cuda.hpp>

#include <tilery/core/convert.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace tilery_benchmarks {

/// For each matrix of n elements: sums[matrix] += {sum of (x - reference)^2, sum of reference^2}, in double. A NaN
/// anywhere makes its first one NaN. The grid's y shares out the matrices, its x the elements of one.
template <class T>
__global__ void add_differences(const T* x, const T* reference, int matrices, std::int64_t n, double2* sums) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (int matrix = blockIdx.y; matrix < matrices; matrix += gridDim.y) {
    double differences = 0, squares = 0;
    for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += step) {
      const double r = static_cast<double>(tilery::convert<tilery::accumulator_t<T>>(reference[matrix * n + i]));
      const double d = static_cast<double>(tilery::convert<tilery::accumulator_t<T>>(x[matrix * n + i])) - r;
      differences += d * d, squares += r * r;
    }
    for (int distance = 16; distance > 0; distance /= 2) {
      differences += __shfl_xor_sync(0xffffffffu, differences, distance);
      squares += __shfl_xor_sync(0xffffffffu, squares, distance);
    }
    if (threadIdx.x % 32 == 0) atomicAdd(&sums[matrix].x, differences), atomicAdd(&sums[matrix].y, squares);
  }
}

/// ||x - reference|| / ||reference|| of two results of so many matrices of n elements, the largest of all matrices; NaN
/// where x has one. `sums` has room for a double2 a matrix.
template <class T>
double largest_difference(const tilery::cuda& executor, const T* x, const T* reference, int matrices, std::int64_t n,
                          const tilery::allocation& sums) {
  constexpr int blocks = 1024;
  std::vector<double2> of_matrices(static_cast<std::size_t>(matrices));
  const std::size_t bytes = of_matrices.size() * sizeof(double2);
  executor.zero_bytes(sums.get(), bytes);
  const dim3 grid(static_cast<unsigned>(std::max(1, blocks / matrices)),
                  static_cast<unsigned>(std::min(matrices, 65535)));
  add_differences<<<grid, 256, 0, executor.stream()>>>(x, reference, matrices, n, static_cast<double2*>(sums.get()));
  tilery::check_cuda(cudaGetLastError(), "add_differences", {});
  executor.copy_bytes(of_matrices.data(), sums.get(), bytes);
  executor.wait();
  double largest = 0;
  for (const double2& of_one : of_matrices) {
    const double difference = std::sqrt(of_one.x / of_one.y);
    if (std::isnan(difference) || difference > largest) largest = difference;
    if (std::isnan(largest)) break;
  }
  return largest;
}

/// Sets all bits: NaN in each type that has one.
inline void poison(const tilery::cuda& executor, void* data, std::size_t bytes) {
  tilery::check_cuda(cudaMemsetAsync(data, 0xff, bytes, executor.stream()), "cudaMemsetAsync", {});
}

}  // namespace tilery_benchmarks
