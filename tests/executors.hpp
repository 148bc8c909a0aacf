// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The executors that a suite of an op runs on: cpu and virtual_gpu where the C++ compiler builds it, cuda where nvcc
// does.
#pragma once

#include <gtest/gtest.h>

#include <tilery/core/buffer.hpp>

#ifdef __CUDACC__
#include <tilery/cuda.hpp>
#else
#include <tilery/cpu.hpp>
#include <tilery/virtual_gpu.hpp>
#endif

#include <vector>

namespace tilery_tests {

#ifdef __CUDACC__
using executors = testing::Types<tilery::cuda>;
using gpus = testing::Types<tilery::cuda>;
#else
using executors = testing::Types<tilery::cpu, tilery::virtual_gpu>;
using gpus = testing::Types<tilery::virtual_gpu>;
#endif

/// A typed suite over executors: `this->executor` is made for each test, or the test is skipped with the reason.
template <class Executor>
class on_executor : public testing::Test {
public:
  void SetUp() override {
#ifdef __CUDACC__
    if (tilery::cuda_devices() == 0) GTEST_SKIP() << "no CUDA device";
#endif
  }

  /// The values in the executor's memory.
  template <class T>
  tilery::buffer<T> put(const std::vector<T>& values) const {
    tilery::buffer<T> result(executor, values.size());
    tilery::copy_dense(executor, tilery::vector(values.data(), static_cast<int>(values.size())), result);
    return result;
  }

  /// The values of a buffer, once everything has run.
  template <class T, int Rank>
  std::vector<T> get(const tilery::buffer<T, Rank>& from) const {
    std::vector<T> result(static_cast<std::size_t>(from.size()));
    tilery::copy_dense(executor,
                       tilery::vector(static_cast<const T*>(from.data_handle()), static_cast<int>(from.size())),
                       tilery::vector(result.data(), static_cast<int>(result.size())));
    executor.wait();
    return result;
  }

  Executor executor;
};

}  // namespace tilery_tests
