// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The archs' table: their order, their features, and the sentence about a kernel that an arch cannot run.
#include <tilery/simt/kernel.hpp>

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace {

using namespace tilery;

// An arch is compared with archs of its own vendor only.
static_assert(is_at_least(arch::sm_80, arch::sm_80) && is_at_least(arch::sm_120, arch::sm_80));
static_assert(!is_at_least(arch::sm_75, arch::sm_80));
static_assert(!is_at_least(arch::sm_120, arch::cpu) && !is_at_least(arch::cpu, arch::sm_75));
static_assert(is_at_least(arch::cpu, arch::cpu));

static_assert(includes(features::copy_async | features::mma_f16, features::mma_f16));
static_assert(!includes(features::copy_async, features::copy_async | features::mma_f16));
static_assert(includes(features::none, features::none));
static_assert(first_missing(features::mma_f16, features::mma_f16 | features::clusters | features::mma_fp8) ==
              features::clusters);
static_assert(first_missing(features::mma_f16, features::mma_f16) == features::none);

static_assert(first_with(features::ldmatrix) == arch::sm_75 && first_with(features::copy_async) == arch::sm_80);
static_assert(first_with(features::mma_fp8) == arch::sm_89);
static_assert(first_with(features::stmatrix | features::mma_fp8) == arch::sm_90);

// Compute capabilities that have no row of their own.
static_assert(arch_of(75) == arch::sm_75 && arch_of(87) == arch::sm_86 && arch_of(103) == arch::sm_100 &&
              arch_of(121) == arch::sm_120 && arch_of(60) == arch::sm_75);

TEST(archs, each_has_a_row_and_later_ones_of_a_vendor_keep_the_features) {
  const arch_limits* before = nullptr;
  for (const arch_limits& entry : all_arch_limits) {
    EXPECT_EQ(&limits(entry.id), &entry);
    EXPECT_GE(entry.parameter_bytes, 1024) << entry.name;
    if (before && before->vendor == entry.vendor) {
      EXPECT_TRUE(is_at_least(entry.id, before->id) && !is_at_least(before->id, entry.id)) << entry.name;
      EXPECT_TRUE(includes(entry.features, before->features)) << entry.name;
    }
    EXPECT_EQ(entry.blocks_per_cluster > 1, has_features(entry.id, features::clusters)) << entry.name;
    before = &entry;
  }
}

TEST(archs, each_feature_has_a_name_and_an_arch) {
  std::set<std::string> names;
  for (std::uint32_t bit = 1; bit < static_cast<std::uint32_t>(features::end); bit <<= 1) {
    const auto one = static_cast<features>(bit);
    EXPECT_TRUE(names.insert(name_of(one)).second) << name_of(one);
    EXPECT_TRUE(has_features(first_with(one), one)) << name_of(one);
  }
  EXPECT_EQ(names.count("no feature"), 0u);
}

std::string told(const kernel_needs& kernel, arch target) { return check_arch(kernel, target).c_str(); }

TEST(archs, the_missing_feature_and_its_first_arch_are_named) {
  const kernel_needs k{.name = "k", .threads = 32, .features = features::copy_async | features::mma_fp8};
  EXPECT_EQ(told(k, arch::sm_75), "k needs cp.async, which the archs from sm_80 on have; this device is an sm_75");
  EXPECT_EQ(told(k, arch::sm_86),
            "k needs mma.sync of fp8, which the archs from sm_89 on have; this device is an sm_86");
  EXPECT_EQ(told(k, arch::sm_89), "");
}

TEST(archs, a_tuned_kernel_is_for_its_arch_and_later_ones_of_the_vendor) {
  static constexpr arch lowest = arch::sm_86;
  const kernel_needs k{.name = "k", .threads = 1, .lowest = &lowest};
  EXPECT_EQ(told(k, arch::sm_80), "k needs sm_86 or later; this device is an sm_80");
  EXPECT_EQ(told(k, arch::sm_86), "");
  EXPECT_NE(told(k, arch::cpu), "");
  EXPECT_TRUE(has_code_for(arch::sm_90, k) && !has_code_for(arch::sm_80, k) && !has_code_for(arch::cpu, k));
}

}  // namespace
