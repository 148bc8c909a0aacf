// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The traffic of norms, as the virtual GPU counts it: each element once, in whole sectors, and the sums of chunks.
#include "tests/profiles.hpp"

#include <tilery/gradient_norm.hpp>
#include <tilery/optimizer.hpp>

#include <span>

namespace {

using namespace tilery;
using namespace tilery_tests;

constexpr int sizes[] = {50000, 0, 64, 16384};  // multiples of a sector, in each type
constexpr std::int64_t elements = 50000 + 64 + 16384, chunks = 4 + 1 + 1;

/// The launch of the norm reads each gradient once, and writes one sum for each chunk and part.
template <class T>
void expect_one_read(const launch_profile& of_chunks, std::int64_t parts) {
  SCOPED_TRACE(element<T>::name);
  const std::int64_t bytes = elements * static_cast<std::int64_t>(sizeof(T));
  EXPECT_EQ(sum_of(of_chunks, site_kind::global_load, &site_profile::bytes, "load elements"), bytes);
  EXPECT_EQ(sum_of(of_chunks, site_kind::global_load, &site_profile::sectors, "load elements") * 32, bytes);
  EXPECT_EQ(sum_of(of_chunks, site_kind::global_store, &site_profile::bytes), chunks * parts * 8);
}

template <class T>
void expect_traffic_of_norm(std::int64_t parts) {
  const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
    std::vector<buffer<T>> memory;
    std::vector<dense_tensor<T>> list;
    for (const int size : sizes) fill_zero(gpu, memory.emplace_back(gpu, size)), list.push_back({memory.back()});
    const buffer<double> result(gpu, 1);
    gradient_norm(gpu, std::span(std::as_const(list)), result);
  });
  ASSERT_EQ(profiles.size(), 2u);
  expect_one_read<T>(profiles[0], parts);
  EXPECT_EQ(sum_of(profiles[1], site_kind::global_load, &site_profile::bytes), chunks * parts * 8);
  EXPECT_EQ(sum_of(profiles[1], site_kind::global_store, &site_profile::bytes), 8);
}

TEST(gradient_norm_traffic, each_element_is_read_once) {
  expect_traffic_of_norm<float>(1);
  expect_traffic_of_norm<half>(1);
  expect_traffic_of_norm<bf16>(1);
  expect_traffic_of_norm<double>(3);
}

// A step with clipping has four launches: chunks, their sum, constants, update; one without has two.
TEST(gradient_norm_traffic, an_update_with_clipping_reads_each_gradient_once_more) {
  for (const bool clips : {false, true}) {
    const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
      std::vector<buffer<float>> memory;
      std::vector<parameter<float>> all;
      for (const int size : sizes) {
        fill_zero(gpu, memory.emplace_back(gpu, size));
        fill_zero(gpu, memory.emplace_back(gpu, size));
        all.emplace_back("", memory[memory.size() - 2].view(), memory.back().view());
      }
      optimizer o(gpu, std::vector{rule::sgd{}}, all, {.measure_norm = clips});
      o.step(gpu);
    });
    const std::size_t of_step = clips ? 4 : 2;
    ASSERT_GE(profiles.size(), of_step);
    const launch_profile& update = profiles.back();
    EXPECT_EQ(sum_of(update, site_kind::global_load, &site_profile::sectors, "load elements") * 32, elements * 8);
    if (clips) expect_one_read<float>(profiles[profiles.size() - 4], 1);
    if (!clips)
      EXPECT_EQ(sum_of(profiles[profiles.size() - 2], site_kind::global_load, &site_profile::sectors, "load elements"),
                0);
  }
}

// Chunks of a tensor that is not aligned for packs are read element by element: the same bytes.
TEST(gradient_norm_traffic, unaligned_tensors_are_read_once) {
  const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
    const buffer<float> memory(gpu, 20001);
    fill_zero(gpu, memory);
    const std::vector list{dense_tensor(vector(memory.data_handle() + 1, 20000))};
    const buffer<double> result(gpu, 1);
    gradient_norm(gpu, std::span(list), result);
  });
  EXPECT_EQ(sum_of(profiles.at(0), site_kind::global_load, &site_profile::bytes, "load elements"), 20000 * 4);
}

}  // namespace
