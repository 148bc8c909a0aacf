// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The column reduction against sums in double, and its promise of the same bits each time.
#include "tests/layouts.hpp"

#include <cstring>
#include <tilery/column_sum.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class Executor>
class column_sum_on : public on_executor<Executor> {
public:
  template <class T, class R>
  void check(int rows, int columns, layout how) {
    using S = accumulator_t<T>;
    const auto values = draw_values<T>(static_cast<std::size_t>(rows) * columns);
    const auto x = place(*this, values, rows, columns, how);
    const auto y = place(*this, std::vector<R>(columns), 1, columns, draw(0, 1) ? layout::dense : layout::spread);
    vector_view<R> out(y.view.pointer, columns);
    out.strides[0] = y.view.strides[1];
    column_sum(this->executor, x.read(), out);
    const auto got = gather(*this, y);
    for (int c = 0; c < columns; ++c) {
      double want = 0, magnitude = 0;
      for (int r = 0; r < rows; ++r)
        want += as_double(values[r * columns + c]), magnitude += std::fabs(as_double(values[r * columns + c]));
      EXPECT_NEAR(as_double(got[c]), want,
                  (std::min(rows, 900) + 1) * unit_roundoff<S>() * magnitude + unit_roundoff<R>() * std::fabs(want))
          << rows << " x " << columns << " " << name_of(how);
    }
    column_sum(this->executor, x.read(), out);
    EXPECT_EQ(std::memcmp(gather(*this, y).data(), got.data(), got.size() * sizeof(R)), 0) << "the same bits each time";
  }
};
TYPED_TEST_SUITE(column_sum_on, executors);

TYPED_TEST(column_sum_on, is_right_for_every_type_and_layout) {
  for_types<double, float, half, bf16>([&]<class T>() {
    for (const layout how : layouts) {
      this->template check<T, T>(draw(1, 40), draw(1, 200), how);
      this->template check<T, accumulator_t<T>>(draw(1, 40), draw(1, 200), how);
    }
  });
}

TYPED_TEST(column_sum_on, adds_slices_in_order) {
  this->template check<float, float>(1500, 36, layout::dense);
  this->template check<half, half>(1025, 40, layout::padded);
  this->template check<float, float>(140000, 3, layout::dense);  // slices of slices, on the CPU slices at all
}

// Each addition to a long chain of one number rounds in the same direction.
TYPED_TEST(column_sum_on, adds_many_rows_without_a_long_chain) {
  for_types<double, float, bf16>([&]<class T>() {
    using S = accumulator_t<T>;
    for (const layout how : {layout::dense, layout::column_major})
      for (const int rows : {65536, 70001}) {
        const int columns = 5;
        const T number = convert<T>(S(0.496585303791409515));
        const auto x =
            place(*this, std::vector<T>(static_cast<std::size_t>(rows) * columns, number), rows, columns, how);
        const auto y = this->put(std::vector<S>(columns));
        column_sum(this->executor, x.read(), y);
        const double want = rows * as_double(number);
        for (const S got : this->get(y))
          EXPECT_NEAR(got, want, 901 * unit_roundoff<S>() * want) << rows << " " << element<T>::name << name_of(how);
      }
  });
}

TYPED_TEST(column_sum_on, multiplies_the_sums_with_a_factor) {
  for (const int rows : {3, 1500, 70000}) {
    std::vector<float> values(static_cast<std::size_t>(rows) * 2, 3);
    const auto y = this->put(std::vector<float>(2));
    const auto x = place(*this, values, rows, 2, layout::dense);
    column_sum(this->executor, x.read(), y, {.factor = 1.0 / rows});
    for (const float mean : this->get(y)) EXPECT_NEAR(mean, 3, 1e-5);
  }
  const auto wild = place(*this, std::vector<float>(2 * 600, NAN), 600, 2, layout::dense);
  const auto y = this->put(std::vector<float>{1, 1});
  column_sum(this->executor, wild.read(), y, {.factor = 0});
  EXPECT_EQ(this->get(y), (std::vector<float>{0, 0})) << "0 does not read x";
  EXPECT_REFUSED(column_sum(this->executor, wild.read(), y, {.factor = NAN}),
                 "column_sum: factor is nan; it must be a finite f32");
}

#ifndef __CUDACC__
/// Has one scratch for everything, as the cuda executor may.
struct with_scratch : virtual_gpu {
  std::vector<double>* scratch;
  allocation workspace(std::size_t bytes, where = {}) const {
    EXPECT_LE(bytes, scratch->size() * sizeof(double));
    return {scratch->data(), bytes, nullptr};
  }
};

TEST(column_sum, asks_once_for_the_workspace_of_all_levels) {
  std::vector<double> scratch(2000);
  with_scratch gpu;
  gpu.scratch = &scratch;
  const int rows = 512 * 512 + 700;
  std::vector<float> x(rows), y(1);
  double want = 0;
  for (int i = 0; i < rows; ++i) x[i] = static_cast<float>(i % 7), want += i % 7;
  column_sum(gpu, matrix(x.data(), rows, 1), vector(y.data(), 1));
  EXPECT_EQ(y[0], static_cast<float>(want));
  EXPECT_LE(column_sum_workspace_bytes<float>(gpu, rows, 1), scratch.size() * sizeof(double));
}
#endif

TYPED_TEST(column_sum_on, of_no_rows_is_zero) {
  const auto y = this->put(std::vector<float>{1, 2, 3});
  column_sum(this->executor, matrix(y.data_handle(), 0, 3), y);
  EXPECT_EQ(this->get(y), (std::vector<float>{0, 0, 0}));
  column_sum(this->executor, matrix<float>(nullptr, 5, 0), vector<float>(nullptr, 0));
}

TYPED_TEST(column_sum_on, refuses_bad_input) {
  const auto x = place(*this, draw_values<float>(12), 3, 4, layout::dense);
  const auto y = this->put(std::vector<float>(4));
  EXPECT_REFUSED(column_sum(this->executor, x.view, vector(y.data_handle(), 3)),
                 "column_sum: y has 3 elements; it must have 4, one for each column of x");
  EXPECT_REFUSED(column_sum(this->executor, x.view, vector(x.view.pointer, 4)),
                 "column_sum: y shares an element with x; the two must not overlap");
  EXPECT_REFUSED(column_sum(this->executor, x.view, vector<float>(nullptr, 4)),
                 "y is a null view of size 4; it must point to its elements");
}

}  // namespace
