// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Many drawn convolutions on each executor, in all directions, equal to the reference. A failure's message has the
// problem, and TILERY_SEED repeats the run.
#include "tests/conv_calls.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class Executor>
class conv_fuzz_on : public on_executor<Executor> {
public:
  static constexpr int drawn_problems = Executor::uses_cpu_kernels ? 3000 : 200;

  /// Limits that are small, with one of them large now and then; factors that are 1 and 0, or drawn.
  static conv_limits draw_limits(int rank) {
    conv_limits most{.extent = rank == 3 ? 5 : 9, .taps = rank == 3 ? 3 : 4};
    if (rank == 3) most.channels = most.filters = 10;
    switch (draw(0, 7)) {
      case 0: most.channels = 80; break;
      case 1: most.filters = 80; break;
      case 2: most.extent *= 2; break;
      case 3: most.padding = 9; break;
      case 4: most.stride = most.dilation = 7; break;
      case 5: most.groups = 9, most.channels = most.filters = 6; break;
      default: break;
    }
    return most;
  }
  static gemm_factors draw_factors() {
    if (draw(0, 1) == 0) return {};
    return {.alpha = static_cast<double>(draw(-2, 2)), .beta = static_cast<double>(draw(-1, 1))};
  }
  /// Channels-last operands every other time: the kernels of aligned channels.
  static conv_orders draw_orders() { return draw(0, 1) ? all_in(image_order::channels_last) : conv_orders(); }
};
TYPED_TEST_SUITE(conv_fuzz_on, executors);

TYPED_TEST(conv_fuzz_on, equals_the_sums_of_many_drawn_problems) {
  for (int i = 0; i < TestFixture::drawn_problems && !this->HasFailure(); ++i) {
    check_conv<1, float, float>(*this, draw_conv(1, this->draw_limits(1)), this->draw_orders(), this->draw_factors());
    check_conv<2, float, float>(*this, draw_conv(2, this->draw_limits(2)), this->draw_orders(), this->draw_factors());
    check_conv<2, half, half>(*this, draw_conv(2, this->draw_limits(2)), this->draw_orders(), this->draw_factors());
    check_conv<3, float, float>(*this, draw_conv(3, this->draw_limits(3)), this->draw_orders(), this->draw_factors());
  }
}

}  // namespace
