// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operands in memory that an executor cannot reach are refused by name: a device view by the host's executors, a host
// view by cuda. Without a GPU the driver's answer is played.
#include "tests/layouts.hpp"

#include <tilery/cpu.hpp>
#include <tilery/softmax.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

#ifdef __CUDACC__

class memory_space_on_cuda : public on_executor<cuda> {};

TEST_F(memory_space_on_cuda, host_views_are_refused_by_cuda_and_device_views_by_the_cpu) {
  std::vector<float> host(12);
  const auto device = put(host);
  const auto on_host = matrix(host.data(), 3, 4), on_device = matrix(device.data_handle(), 3, 4);
  EXPECT_REFUSED(softmax(executor, on_host, on_device), "x is in host memory; this executor needs it in device memory");
  EXPECT_REFUSED(softmax(executor, on_device, on_host), "y is in host memory; this executor needs it in device memory");
  EXPECT_REFUSED(softmax(cpu(), on_device, on_host), "x is in device memory; this executor needs it in host memory");
}

TEST_F(memory_space_on_cuda, pinned_and_managed_memory_serves_both) {
  float *pinned = nullptr, *managed = nullptr;
  ASSERT_EQ(cudaMallocHost(&pinned, 48), cudaSuccess);
  ASSERT_EQ(cudaMallocManaged(&managed, 48), cudaSuccess);
  for (float* memory : {pinned, managed}) {
    std::fill_n(memory, 12, 1.0f);
    softmax(cpu(), matrix(memory, 3, 4), matrix(memory, 3, 4));
    softmax(executor, matrix(memory, 3, 4), matrix(memory, 3, 4));
    executor.wait();
    EXPECT_EQ(memory[7], 0.25f);
  }
  cudaFreeHost(pinned);
  cudaFree(managed);
}

#else

float elsewhere[12];

struct played_driver {
  played_driver() {
    ask_for_memory_space = +[](const void* p) {
      return static_cast<int>(p >= elsewhere && p < elsewhere + 12 ? memory_space::device : memory_space::host);
    };
  }
  ~played_driver() { ask_for_memory_space = nullptr; }
};

template <class Executor>
class memory_space_on : public on_executor<Executor> {};
TYPED_TEST_SUITE(memory_space_on, executors);

TEST(memory_space, has_a_name_for_messages) {
  EXPECT_STREQ(name_of(memory_space::host), "host");
  EXPECT_STREQ(name_of(memory_space::device), "device");
  EXPECT_STREQ(name_of(memory_space::either), "host or device");
}

TYPED_TEST(memory_space_on, device_views_are_refused_by_name) {
  const played_driver driver;
  float host[12] = {};
  EXPECT_REFUSED(softmax(this->executor, matrix(elsewhere, 3, 4), matrix(host, 3, 4)),
                 "x is in device memory; this executor needs it in host memory");
  EXPECT_REFUSED(softmax(this->executor, matrix(host, 3, 4), matrix(elsewhere, 3, 4)),
                 "y is in device memory; this executor needs it in host memory");
  EXPECT_EQ(elsewhere[0], 0);
  softmax(this->executor, matrix(host, 3, 4), matrix(host, 3, 4));
  EXPECT_EQ(host[0], 0.25f);
}

#endif

}  // namespace
