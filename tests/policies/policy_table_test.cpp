// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of policies: each has one row for each type and arch that it claims, with evidence, and its candidates
// keep their rules on that arch. A row of one arch is chosen there only.
#include "tests/policies/tables.hpp"

#include <gtest/gtest.h>

#include <tilery/policies/gemm_cpu_skinny_table.hpp>
#include <tilery/policies/gemm_cpu_table.hpp>

#include <string>

namespace {

using namespace tilery_tests;

template <class T>
class tables_of : public testing::Test {};
using elements = testing::Types<double, float, half, bf16>;
TYPED_TEST_SUITE(tables_of, elements);

TYPED_TEST(tables_of, have_one_row_for_each_arch) {
  using T = TypeParam;
  constexpr int element_bytes = sizeof(T), sum_bytes = sizeof(accumulator_t<T>);
  EXPECT_STREQ(fault_of_rows<gemm_simt_rows<T>>(arch::sm_75, sum_bytes), nullptr);
  EXPECT_STREQ(fault_of_rows<gemm_skinny_rows<T>>(arch::sm_75, element_bytes), nullptr);
  EXPECT_STREQ(fault_of_rows<elementwise_rows_gpu<T>>(arch::sm_75), nullptr);
  EXPECT_STREQ(fault_of_rows<column_sum_rows_gpu<T>>(arch::sm_75), nullptr);
  EXPECT_STREQ(fault_of_rows<row_rows_gpu<T>>(arch::sm_75), nullptr);
}

template <class T>
class tensor_core_tables_of : public testing::Test {};
using tensor_core_elements = testing::Types<double, tf32, half, bf16, fp8_e4m3, fp8_e5m2, int8>;
TYPED_TEST_SUITE(tensor_core_tables_of, tensor_core_elements);

TYPED_TEST(tensor_core_tables_of, have_one_row_for_each_arch) {
  EXPECT_STREQ(fault_of_rows<gemm_mma_sync_rows<TypeParam>>(arch::sm_80, static_cast<int>(sizeof(TypeParam))), nullptr);
}

TEST(gemm_sharing_rows, have_one_row_for_each_arch) {
  for (const arch target : gpu_archs) {
    const int row = row_for(gemm_sharing_rows, target);
    ASSERT_GE(row, 0);
    EXPECT_TRUE(is_at_least(target, gemm_sharing_rows[row].from));
    EXPECT_EQ(gemm_sharing_rows[row].measured.is_measured(), target == arch::sm_90) << limits(target).name;
  }
}

TEST(cpu_tables, have_one_row_for_each_instruction_set) {
  for (const host_isa isa : {host_isa::baseline, host_isa::avx2, host_isa::avx512}) {
    int rows = 0;
    for (const gemm_cpu_row& row : all_gemm_cpu_rows) rows += row.isa == isa;
    EXPECT_EQ(rows, 1);
    if (isa > native_isa) continue;
    for (const int sum_bytes : {4, 8}) {
      gemm_cpu_policy p = tuned_gemm_cpu(sum_bytes, false, gemm_cpu_row_of(isa));
      p.isa = isa;
      EXPECT_STREQ(broken_rule(p, sum_bytes), nullptr);
    }
  }
  for (const gemm_cpu_skinny_policy& p : gemm_cpu_skinny_table<float>::candidates)
    EXPECT_STREQ(broken_rule(p, 4), nullptr);
  for (const auto& p : row_table_cpu<float>::candidates) EXPECT_STREQ(broken_rule(p), nullptr);
  for (const auto& p : elementwise_table_cpu<half>::candidates) EXPECT_STREQ(broken_rule(p), nullptr);
  for (const auto& p : column_sum_table_cpu<double>::candidates) EXPECT_STREQ(broken_rule(p), nullptr);
}

TEST(planted_row, is_chosen_on_its_arch_only) {
  EXPECT_STREQ(fault_of_rows<planted_rows>(arch::sm_80, 2), nullptr);
  for (const arch target : gpu_archs) {
    if (!is_at_least(target, arch::sm_80)) continue;
    const auto p = planted_choice(target);
    EXPECT_EQ(p.block.n, target == arch::sm_120 ? 64 : 128) << limits(target).name;
    EXPECT_EQ(p.lowest, target == arch::sm_120 ? arch::sm_120 : arch::sm_80) << limits(target).name;
    int called = 0;
    with_candidate<planted_table>(planted_table::choose(large_problem(target)).index, [&]<gemm_mma_sync_policy P>() {
      ++called;
      EXPECT_EQ(P.block.n, p.block.n);
    });
    EXPECT_EQ(called, 1);
  }
}

TEST(planted_row, shares_the_candidates_that_are_equal) {
  // 3 layouts of a large tile, and 3 others; sm_120's row adds a large tile.
  EXPECT_EQ(std::size(gemm_mma_sync_table<half>::candidates), 6u);
  EXPECT_EQ(std::size(planted_table::candidates), 9u);
  gemm_problem few = large_problem(arch::sm_120);
  few.m = 16;
  EXPECT_EQ(planted_table::choose(few).index, gemm_mma_sync_table<half>::few);
  EXPECT_EQ(planted_table::candidates[planted_table::choose(few).index].lowest, arch::sm_80);
}

struct too_large_rows : gemm_mma_sync_rows<half> {  // 192 KiB: sm_90 has room for them, sm_120 has not
  static constexpr gemm_mma_sync_row rows[] = {planted_rows::rows[0],
                                               with_large(arch::sm_90, {{128, 256, 64}, {64, 64}, 4})};
};
struct twice_rows : gemm_mma_sync_rows<half> {
  static constexpr gemm_mma_sync_row rows[] = {planted_rows::rows[0], planted_rows::rows[0]};
};
struct late_rows : gemm_mma_sync_rows<half> {
  static constexpr gemm_mma_sync_row rows[] = {planted_rows::rows[1]};
};

TEST(faults_of_rows, are_found) {
  EXPECT_NE(std::string(fault_of_rows<too_large_rows>(arch::sm_80, 2)).find("must fit the shared memory"),
            std::string::npos);
  EXPECT_STREQ(fault_of_rows<twice_rows>(arch::sm_80, 2), "two rows are for one arch");
  EXPECT_STREQ(fault_of_rows<late_rows>(arch::sm_80, 2), "an arch that is claimed has no row");
}

TEST(choice, says_where_its_row_was_measured) {
  const auto row_of = [](arch target) {
    return std::string(describe_row(gemm_mma_sync_table<bf16>::choose(large_problem(target))).c_str());
  };
  EXPECT_EQ(row_of(arch::sm_90), "from the table's row for sm_90, measured on an H200 (driver 580.159, 2026-11-22)");
  EXPECT_EQ(row_of(arch::sm_86), "from the table's row for sm_80, not measured: taken from sm_90's row");
  EXPECT_EQ(row_of(arch::sm_120), "from the table's row for sm_100, not measured: taken from sm_90's row");
}

}  // namespace
