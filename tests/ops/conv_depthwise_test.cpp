// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Depthwise convolutions in all three directions, against a scatter in double. The data are whole numbers, small enough
// for every sum to be exact: all executors must give the reference's bits.
#include "tests/draw.hpp"
#include "tests/layouts.hpp"
#include "tests/ops/depthwise_case.hpp"

#include <tilery/conv.hpp>

#include <algorithm>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class Executor>
class depthwise_on : public on_executor<Executor> {
public:
  /// Checks the three directions of a case.
  template <class T>
  void check(const depthwise_case& c) {
    check_forward<T>(c), check_data_gradient<T>(c), check_weight_gradient<T>(c);
  }

  template <class T>
  void check_forward(const depthwise_case& c) {
    const auto x = place<T>(c, c.shape_x(), 3), w = place<T>(c, c.shape_w(), 2), y = place<T>(c, c.shape_y(), 4);
    std::vector<double> want(c.size_y());
    c.scatter([&](int of_x, int of_w, int of_y) { want[of_y] += x.values[of_x] * w.values[of_w]; });
    for (std::size_t i = 0; i < want.size(); ++i) want[i] = 2 * want[i] - y.values[i];
    conv3d(this->executor, x.read(), w.read(), y.view(), c.options(), {}, {.alpha = 2, .beta = -1});
    expect_equal(y, want, c, "forward");
  }
  template <class T>
  void check_data_gradient(const depthwise_case& c) {
    const auto x = place<T>(c, c.shape_x(), 3), w = place<T>(c, c.shape_w(), 2), y = place<T>(c, c.shape_y(), 3);
    std::vector<double> want(x.values);
    c.scatter([&](int of_x, int of_w, int of_y) { want[of_x] += y.values[of_y] * w.values[of_w]; });
    conv3d_data_gradient(this->executor, y.read(), w.read(), x.view(), c.options(), {}, {.beta = 1});
    expect_equal(x, want, c, "data gradient");
  }
  template <class T>
  void check_weight_gradient(const depthwise_case& c) {
    const auto x = place<T>(c, c.shape_x(), 2), w = place<T>(c, c.shape_w(), 3), y = place<T>(c, c.shape_y(), 2);
    std::vector<double> want(w.values);
    c.scatter([&](int of_x, int of_w, int of_y) { want[of_w] += x.values[of_x] * y.values[of_y]; });
    for (const double v : want)
      if (std::fabs(v) > 2048 && sizeof(T) == 2) return;  // not exact in half
    conv3d_weight_gradient(this->executor, x.read(), y.read(), w.view(), c.options(), {}, {.beta = 1});
    expect_equal(w, want, c, "weight gradient");
  }

private:
  /// A tensor of whole numbers in [-most, most] in memory, with the case's memory order and gaps.
  template <class T>
  struct placed {
    std::vector<double> values;  // in the order of the dimensions
    std::vector<std::int64_t> offsets;
    buffer<T> memory;
    tensor_view<T, 5> of;
    tensor_view<T, 5> view() const { return of; }
    tensor_view<const T, 5> read() const { return of; }
  };
  template <class T>
  placed<T> place(const depthwise_case& c, const std::array<int, 5>& shape, int most) {
    std::array<std::int64_t, 5> strides{};
    const std::int64_t size = c.strides_of(shape, strides);
    std::vector<T> memory(static_cast<std::size_t>(size) + c.beside, convert<T>(accumulator_t<T>(NAN)));
    std::vector<double> values;
    std::vector<std::int64_t> offsets;
    each_index(shape, [&](const std::array<int, 5>& at) {
      std::int64_t offset = c.beside;
      for (int d = 0; d < 5; ++d) offset += at[d] * strides[d];
      values.push_back(draw(-most, most)), offsets.push_back(offset);
      memory[static_cast<std::size_t>(offset)] = convert<T>(static_cast<accumulator_t<T>>(values.back()));
    });
    placed<T> p{values, offsets, this->put(memory), {}};
    p.of.pointer = p.memory.data_handle() + c.beside;
    for (int d = 0; d < 5; ++d) p.of.extents[d] = shape[d], p.of.strides[d] = strides[d];
    return p;
  }
  template <class T>
  void expect_equal(const placed<T>& got, const std::vector<double>& want, const depthwise_case& c, const char* what) {
    const auto memory = this->get(got.memory);
    int wrong = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
      const double value = as_double(memory[static_cast<std::size_t>(got.offsets[i])]);
      const double right = as_double(convert<T>(static_cast<accumulator_t<T>>(want[i])));
      if (value != right && ++wrong == 1)
        ADD_FAILURE() << what << " of " << c.text() << " " << element<T>::name << " is " << value << " at element " << i
                      << "; it must be " << right;
    }
    std::size_t outside = memory.size();
    for (const auto v : memory) outside -= !std::isnan(as_double(v));
    EXPECT_EQ(outside + want.size(), memory.size()) << what << " of " << c.text() << ": a gap was written";
  }
};
TYPED_TEST_SUITE(depthwise_on, executors);

TYPED_TEST(depthwise_on, is_right_for_every_kernel) {
  for_types<double, float, half, bf16>([&]<class T>() {
    for (const int taps : {3, 5, 7, 4}) {
      depthwise_case c;
      c.channels = 32, c.in = {1, 5, 16}, c.taps = {1, taps == 4 ? 1 : 3, taps};
      c.before = {0, 1, taps / 2}, c.after = {0, 1, taps / 2};
      this->template check<T>(c);
    }
  });
}

TYPED_TEST(depthwise_on, is_right_for_drawn_problems) {
  for (int i = 0; i < 40; ++i) this->template check<float>(depthwise_case::drawn());
  for (int i = 0; i < 10; ++i) this->template check<double>(depthwise_case::drawn());
  for (int i = 0; i < 10; ++i) this->template check<bf16>(depthwise_case::drawn());
}

}  // namespace
