// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random data of which every element is a function of its index: a GPU fills gibibytes by itself, and the host knows
// each value without a copy.
#pragma once

#ifdef __CUDACC__
#include <tilery/cuda.hpp>
#endif

#include <tilery/core/convert.hpp>

#include <cstdint>

namespace tilery_benchmarks {

/// Element `index` of the sequence `seed`: uniform in [-1, 1), of int8 over all its values; tf32 has 10 bits of
/// fraction, so that no hardware rounds it. The mixing is splitmix64's (Steele, Lea, Flood 2014).
template <class T>
TILERY_SIMT T counted_uniform(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t x = (index + 1) * 0x9e3779b97f4a7c15u + seed * 0xd1342543de82ef95u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  if constexpr (std::is_same_v<T, double>)
    return static_cast<double>(static_cast<std::int64_t>(x >> 11) - (std::int64_t{1} << 52)) * 0x1p-52;
  else if constexpr (std::is_same_v<T, tilery::int8>)
    return static_cast<tilery::int8>(static_cast<int>(x >> 56) - 128);
  else if constexpr (std::is_same_v<T, tilery::tf32>)
    return {static_cast<float>(static_cast<std::int32_t>(x >> 53) - (1 << 10)) * 0x1p-10f};
  else
    return tilery::convert<T>(static_cast<float>(static_cast<std::int32_t>(x >> 40) - (1 << 23)) * 0x1p-23f);
}

#ifdef __CUDACC__

/// One element a thread, in strides of the grid.
template <class T>
__global__ void store_uniform(T* data, std::int64_t n, std::uint64_t seed) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += step)
    data[i] = counted_uniform<T>(seed, static_cast<std::uint64_t>(i));
}

/// data[i] = element i of the sequence, in the stream's order.
template <class T>
void fill_uniform(const tilery::cuda& executor, T* data, std::int64_t n, std::uint64_t seed) {
  store_uniform<<<1024, 256, 0, executor.stream()>>>(data, n, seed);
  tilery::check_cuda(cudaGetLastError(), "store_uniform", {});
}

#endif

}  // namespace tilery_benchmarks
