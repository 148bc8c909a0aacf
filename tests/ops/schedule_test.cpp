// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Schedules of the learning rate, against PyTorch's (2.15.0) where it has them.
#include "tests/layouts.hpp"

#include <tilery/schedule.hpp>

#include <limits>
#include <vector>

namespace {

using namespace tilery;

template <class Schedule>
void follows(const Schedule& schedule, const std::vector<double>& want) {
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(schedule(static_cast<std::int64_t>(i)), want[i], 1e-14) << "after " << i << " updates";
}

// LinearLR(0.25, 0.75, 8), PolynomialLR(8, 2), CosineAnnealingLR(8, 0.1), CosineAnnealingWarmRestarts(3, 2, 0.05),
// StepLR(3, 0.5), OneCycleLR(total_steps=12), all with a rate of 1.
TEST(schedule, equals_pytorch) {
  follows(schedule::linear{8, 0.25, 0.75}, {0.25, 0.3125, 0.375, 0.4375, 0.5, 0.5625, 0.625, 0.6875, 0.75, 0.75});
  follows(schedule::polynomial{8, 2}, {1.0, 0.765625, 0.5625, 0.390625, 0.25, 0.140625, 0.0625, 0.015625, 0.0, 0.0});
  follows(schedule::cosine{8, 0.1}, {1.0, 0.965745789630079, 0.868198051533946, 0.72220754456429, 0.55,
                                     0.37779245543571, 0.231801948466054, 0.134254210369921, 0.1, 0.1});
  follows(schedule::cosine_with_restarts{3, 2, 0.05},
          {1.0, 0.7625, 0.2875, 1.0, 0.936362066797608, 0.7625, 0.525, 0.2875, 0.113637933202392, 1.0,
           0.983814767487307, 0.936362066797608});
  follows(schedule::step_decay{3, 0.5}, {1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125});
  follows(schedule::one_cycle{12}, {0.04, 0.349789654219583, 0.879285159122129, 0.994415435450912, 0.933012969841412,
                                    0.811745653949763, 0.647378997695103, 0.462637102666975, 0.283060998208699,
                                    0.133477530188831, 0.034566987425395, 4e-06, 4e-06});
}

TEST(schedule, others_follow_their_formulas) {
  follows(schedule::constant{}, {1, 1, 1});
  follows(schedule::cosine_with_restarts{2}, {1, 0.5, 1, 0.5, 1});
  follows(schedule::warm_up{3, schedule::linear{4}}, {0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0, 0});
  follows(schedule::warm_up{1, schedule::constant{0.5}, 0.5}, {0.375, 0.5, 0.5});
  follows(schedule::warm_up{0, schedule::constant{}}, {1, 1});
  follows(schedule::warm_up_stable_decay{8, 1, 4},
          {0.5, 1, 1, 1, 1, 0.5, 1 - std::sqrt(0.5), 1 - std::sqrt(0.75), 0, 0});
  follows(schedule::warm_up_stable_decay{8, 0, 4, 0.2, false}, {1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0.2});
  follows(schedule::warm_up_stable_decay{2}, {1, 1, 0});
  follows(schedule::one_cycle{2}, {1, 4e-6});
}

// Long trainings: no loop over the updates, no overflow.
TEST(schedule, counts_to_2_to_the_40) {
  const std::int64_t far = std::int64_t{1} << 40;
  EXPECT_EQ((schedule::cosine{far}(far / 2)), 0.5 + 0.5 * std::cos(std::numbers::pi / 2));
  EXPECT_EQ((schedule::cosine_with_restarts{4}(far)), 1);
  EXPECT_LE((schedule::cosine_with_restarts{4, 2}(far)), 1);
  EXPECT_EQ((schedule::cosine_with_restarts{far, far}(far)), 1);
  EXPECT_EQ((schedule::step_decay{1}(far)), 0);
}

TEST(schedule, refuses_bad_input) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_REFUSED((schedule::linear{0}(0)), "schedule::linear: updates is 0; it must be at least 1");
  EXPECT_REFUSED((schedule::linear{1, nan}(0)), "schedule::linear: from is nan; it must be at least 0 and finite");
  EXPECT_REFUSED((schedule::linear{1, 1, -1}(0)), "schedule::linear: to is -1; it must be at least 0 and finite");
  EXPECT_REFUSED((schedule::cosine{5}(-1)), "schedule::cosine: done is -1; it must be at least 0");
  EXPECT_REFUSED((schedule::cosine{5, nan}(0)), "schedule::cosine: to is nan; it must be at least 0 and finite");
  EXPECT_REFUSED((schedule::constant{-1}(0)), "schedule::constant: factor is -1; it must be at least 0 and finite");
  EXPECT_REFUSED((schedule::polynomial{5, -1}(0)),
                 "schedule::polynomial: power is -1; it must be at least 0 and finite");
  EXPECT_REFUSED((schedule::step_decay{0}(0)), "schedule::step_decay: every is 0; it must be at least 1");
  EXPECT_REFUSED((schedule::cosine_with_restarts{3, 0}(0)),
                 "schedule::cosine_with_restarts: growth is 0; it must be at least 1");
  EXPECT_REFUSED((schedule::warm_up{-1, schedule::constant{}}(0)),
                 "schedule::warm_up: updates is -1; it must be at least 0");
  EXPECT_REFUSED(
      (schedule::warm_up_stable_decay{4, 3, 2}(0)),
      "schedule::warm_up_stable_decay: warm_up and decay are 3 and 2; together they must be at most updates, 4");
  EXPECT_REFUSED((schedule::one_cycle{12, 1}(0)), "schedule::one_cycle: rise is 1; it must be above 0 and below 1");
  EXPECT_REFUSED((schedule::one_cycle{12, nan}(0)), "schedule::one_cycle: rise is nan; it must be above 0 and below 1");
  EXPECT_REFUSED((schedule::one_cycle{1}(0)), "schedule::one_cycle: updates is 1; it must be at least 2");
}

}  // namespace
