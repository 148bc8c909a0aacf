// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A unit that is compiled for some archs instantiates the rows that these can select, and a device runs the row of the
// unit's arch whose kernels it runs. The macro is the one that nvcc defines.
#define __CUDA_ARCH_LIST__ 800, 900
#include "tests/policies/tables.hpp"

#include <gtest/gtest.h>

namespace {

using namespace tilery_tests;

TEST(unit_archs, are_what_devices_run) {
  EXPECT_EQ(arch_in_unit(arch::sm_80), arch::sm_80);
  EXPECT_EQ(arch_in_unit(arch::sm_86), arch::sm_80);
  EXPECT_EQ(arch_in_unit(arch::sm_90), arch::sm_90);
  EXPECT_EQ(arch_in_unit(arch::sm_120), arch::sm_90);
  EXPECT_EQ(arch_in_unit(arch::sm_75), arch::sm_80) << "no kernel of the unit runs there";
  EXPECT_EQ(arch_in_unit(arch::cpu), arch::cpu);
}

TEST(unit_archs, leave_out_the_rows_of_others) {
  EXPECT_EQ(std::size(planted_table::candidates), 6u);
  for (const arch target : gpu_archs) EXPECT_EQ(planted_choice(target).block.n, 128) << limits(target).name;
  EXPECT_TRUE(is_selectable(planted_rows::rows, 0) && is_selectable(planted_rows::rows, 1));
  EXPECT_FALSE(is_selectable(planted_rows::rows, 2));
}

struct late_rows : gemm_mma_sync_rows<half> {
  static constexpr gemm_mma_sync_row rows[] = {with_large(arch::sm_100, {{128, 128, 64}, {64, 64}, 3}),
                                               with_large(arch::sm_120, {{128, 64, 64}, {64, 32}, 3})};
};

TEST(unit_archs, have_the_first_row_of_a_table_for_later_ones) {
  EXPECT_EQ(std::size(policy_table<late_rows>::candidates), 6u);
  EXPECT_TRUE(is_selectable(late_rows::rows, 0));
  EXPECT_FALSE(is_selectable(late_rows::rows, 1));
}

}  // namespace
