// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// validate() finds what each op would refuse, and touches nothing.
#include "tests/layouts.hpp"

#include <tilery/tilery.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class Executor>
class validate_on : public on_executor<Executor> {};
TYPED_TEST_SUITE(validate_on, executors);

constexpr gemm_simt_policy large{.block = {256, 128, 32}, .lane = {8, 8}, .lowest = arch::sm_90};

TYPED_TEST(validate_on, says_what_an_op_would_refuse) {
  const auto a = place(*this, draw_values<float>(12), 3, 4, layout::dense),
             b = place(*this, draw_values<float>(20), 4, 5, layout::dense);
  const auto c = place(*this, std::vector<float>(15, 7.0f), 3, 5, layout::dense);
  const auto bias = this->put(std::vector<float>(5)), other = this->put(std::vector<float>(4));
  const auto& x = this->executor;

  EXPECT_FALSE(validate(x, [&](const auto& e) { gemm(e, a.view, b.view, c.view, epilogue::bias(bias)); }));
  EXPECT_EQ(validate(x, [&](const auto& e) { gemm(e, a.view, b.view, c.view, epilogue::bias(other)); }),
            "gemm: the epilogue's bias has 4 elements; it must have n = 5");
  EXPECT_FALSE(validate(x, [&](const auto& e) { softmax(e, c.view, c.view); }));
  EXPECT_EQ(validate(x, [&](const auto& e) { softmax(e, c.view, matrix<float>(nullptr, 3, 5)); }),
            "softmax: y is a null view of size 3 x 5; it must point to its elements");
  EXPECT_FALSE(validate(x, [&](const auto& e) { column_sum(e, c.view, bias); }));
  EXPECT_EQ(validate(x, [&](const auto& e) { column_sum(e, c.view, other); }),
            "column_sum: y has 4 elements; it must have 5, one for each column of x");
  EXPECT_EQ(validate(x, [&](const auto& e) { sgd(e, bias, other, {}); }),
            "sgd: gradient is 1 x 4; it must be 1 x 5 like weights");
  EXPECT_FALSE(validate(x, [&](const auto& e) { activate<activation::gelu>(e, c.view, c.view); }));
  EXPECT_EQ(gather(*this, c), std::vector<float>(15, 7.0f)) << "nothing ran";
}

TYPED_TEST(validate_on, says_what_workspace_an_op_takes) {
  const auto& x = this->executor;
  const auto a = this->put(std::vector<float>(8 * 4096)), b = this->put(std::vector<float>(4096 * 64));
  const auto c = this->put(std::vector<float>(8 * 64));
  const auto call = [&](const auto& e) {
    gemm(e, matrix(a.data_handle(), 8, 4096), matrix(b.data_handle(), 4096, 64), matrix(c.data_handle(), 8, 64));
  };
  EXPECT_GT(workspace_bytes(x, call), 0u) << "tiles are shared, or operands packed";
  const auto sum = this->put(std::vector<float>(64));
  EXPECT_EQ(workspace_bytes(x, [&](const auto& e) { column_sum(e, matrix(b.data_handle(), 4096, 64), sum); }),
            column_sum_workspace_bytes<float>(x, 4096, 64));
  EXPECT_EQ(workspace_bytes(x,
                            [&](const auto& e) {
                              softmax(e, matrix(b.data_handle(), 64, 64), matrix(a.data_handle(), 64, 64));
                            }),
            0u);
  EXPECT_REFUSED(workspace_bytes(x, [&](const auto& e) { column_sum(e, matrix(b.data_handle(), 64, 4096), sum); }),
                 "column_sum: y has 64 elements");
}

#ifndef __CUDACC__
TEST(validate, counts_workspaces_that_are_held_at_once) {
  const auto take = [](const auto& e) {
    {
      const allocation first = e.workspace(100);
      const allocation second = e.workspace(30);
    }
    allocation moved = e.workspace(40);
    const allocation last = std::move(moved), other = e.workspace(80);
  };
  EXPECT_EQ(workspace_bytes(cpu(), take), 130u);
  EXPECT_EQ(workspace_bytes(virtual_gpu(arch::sm_80), take), 130u);
  EXPECT_EQ(workspace_bytes(cpu(),
                            [](const auto& e) {
                              e.workspace(10);
                              e.workspace(20);
                            }),
            20u);
}

TEST(validate, knows_the_arch_of_the_executor) {
  alignas(16) static float values[256 * 128];
  const auto m = matrix(values, 128, 128), n = matrix(values + 128 * 128, 128, 128);
  const auto call = [&](const auto& e) { gemm<large>(e, m, matrix<const float>(values, 128, 128), n); };
  EXPECT_EQ(validate(virtual_gpu(arch::sm_80), call), "gemm: the policy is for a later arch than this device");
  EXPECT_FALSE(validate(virtual_gpu(arch::sm_90), call));
}
#endif

}  // namespace
