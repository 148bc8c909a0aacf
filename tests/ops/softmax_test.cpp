// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax, forward and backward, against a double reference.
#include "tests/layouts.hpp"
#include "tests/worst_error.hpp"

#include <tilery/softmax.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

std::vector<double> reference(const std::vector<double>& x, int rows, int columns) {
  std::vector<double> y(x.size());
  for (int r = 0; r < rows; ++r) {
    double m = -INFINITY, s = 0;
    for (int c = 0; c < columns; ++c) m = std::max(m, x[r * columns + c]);
    for (int c = 0; c < columns; ++c) s += std::exp(x[r * columns + c] - m);
    for (int c = 0; c < columns; ++c) y[r * columns + c] = std::exp(x[r * columns + c] - m) / s;
  }
  return y;
}

template <class T>
std::vector<double> doubles(const std::vector<T>& values) {
  std::vector<double> result;
  for (const T v : values) result.push_back(as_double(v));
  return result;
}

/// The documented relative error, for inputs that differ by at most `range` in a row.
template <class T>
double bound(int columns, double range) {
  using S = accumulator_t<T>;
  return (std::min(columns / 16.0, 2.2 * std::sqrt(columns)) + 8 + range) * unit_roundoff<S>() +
         (std::is_same_v<T, S> ? 0 : unit_roundoff<T>());
}

/// The same forward, where half and bf16 take e^x of a real GPU's own instruction.
template <class T>
double forward_bound(int columns, double range) {
#ifdef __CUDACC__
  if (sizeof(T) == 2) return 4 * (bound<T>(columns, range) - unit_roundoff<T>()) + unit_roundoff<T>();
#endif
  return bound<T>(columns, range);
}

template <class Executor>
class softmax_on : public on_executor<Executor> {
public:
  template <class T>
  void check(int rows, int columns, layout how, bool in_place) {
    check<T>(rows, columns, how, how, in_place);
  }
  template <class T>
  void check(int rows, int columns, layout how, layout how_y, bool in_place = false) {
    const auto values = draw_values<T>(static_cast<std::size_t>(rows) * columns, -8, 8);
    const auto x = place(*this, values, rows, columns, how);
    const auto y = in_place ? placed<T>{} : place(*this, values, rows, columns, how_y);
    softmax(this->executor, x.view, in_place ? x.view : y.view);
    const auto got = gather(*this, in_place ? x : y);
    const auto want = reference(doubles(values), rows, columns);
    const double smallest = std::is_same_v<T, half> ? 0x1p-25 : 0;  // half a step of half's denormals
    worst_error worst;
    for (std::size_t i = 0; i < got.size(); ++i)
      worst.add((std::fabs(as_double(got[i]) - want[i]) - smallest) / want[i]);
    EXPECT_LE(worst.value(), forward_bound<T>(columns, 16))
        << rows << " x " << columns << " " << name_of(how) << " " << name_of(how_y) << " " << element<T>::name;
  }

  /// dy is overwritten with dx; it begins `beside` elements further from an aligned address than y.
  template <class T>
  void check_backward(int rows, int columns, layout how, int beside = 0) {
    std::vector<T> y_values;
    for (const double v :
         reference(doubles(draw_values<T>(static_cast<std::size_t>(rows) * columns, -3, 3)), rows, columns))
      y_values.push_back(convert<T>(static_cast<accumulator_t<T>>(v)));
    const auto dy_values = draw_values<T>(y_values.size());
    const auto y = place(*this, y_values, rows, columns, how);
    const auto dy = place(*this, dy_values, rows, columns, how, beside);
    softmax_backward(this->executor, y.read(), dy.read(), dy.view);
    const auto got = gather(*this, dy);
    for (int r = 0; r < rows; ++r) {
      double dot = 0;
      for (int c = 0; c < columns; ++c)
        dot += as_double(y_values[r * columns + c]) * as_double(dy_values[r * columns + c]);
      for (int c = 0; c < columns; ++c) {
        const double want = as_double(y_values[r * columns + c]) * (as_double(dy_values[r * columns + c]) - dot);
        EXPECT_NEAR(as_double(got[r * columns + c]), want,
                    4 * bound<T>(columns, 0) * as_double(y_values[r * columns + c]) + 1e-12)
            << rows << " x " << columns << " " << name_of(how) << " " << element<T>::name << " at " << r << ", " << c;
      }
    }
  }
};
TYPED_TEST_SUITE(softmax_on, executors);

TYPED_TEST(softmax_on, is_right_for_every_type_layout_and_length) {
  // each row of the policy table, and the lengths around its borders; fewer packs than lanes
  for_types<double, float, half, bf16>([&]<class T>() {
    for (const int columns : {1, 3, 8, 31, 64, 255, 256, 257, 1024, 1032, 2049})
      this->template check<T>(draw(1, 6), columns, layouts[draw(0, 4)], draw(0, 1));
    this->template check<T>(3, 8192, layout::dense, false);
    this->template check<T>(2, 8200, layout::dense, true);
    this->template check<T>(2, 9001, layout::padded, false);
    this->template check<T>(3, 9003, layout::odd, draw(0, 1));
  });
  this->template check<float>(1, 70001, layout::dense, false);  // longer than the CPU or an SM keeps
  this->template check<bf16>(3, 53259, layout::dense, true);
  for (const layout how : layouts) this->template check<float>(5, 320, how, false);
  for (int i = 0; i < 20; ++i) this->template check<float>(draw(1, 9), draw(1, 700), layouts[draw(0, 4)], draw(0, 1));
}

// Each addition to a long chain of one number rounds in the same direction.
TYPED_TEST(softmax_on, adds_long_rows_without_a_long_chain) {
  for (const layout how : {layout::dense, layout::column_major, layout::spread})
    for (const int columns : {60000, 400000}) {
      std::vector<float> values(static_cast<std::size_t>(2) * columns, -0.7f);
      values[7] = values[columns] = 0;
      const auto x = place(*this, values, 2, columns, how), y = place(*this, values, 2, columns, how);
      softmax(this->executor, x.read(), y.view);
      const auto got = gather(*this, y);
      const double e = std::exp(double{-0.7f}), want = e / (1 + e * (columns - 1));
      EXPECT_NEAR(got[1], want, want * bound<float>(columns, 1)) << columns << " " << name_of(how);
      EXPECT_NEAR(got[2 * columns - 1], want, want * bound<float>(columns, 1)) << columns << " " << name_of(how);

      // dx = y (dy - sum of y dy), with a y of 2^-18 and a dy of which the chain would round each product up
      const std::vector<float> ys(values.size(), 0x1p-18f), dys(values.size(), 0.4966f);
      const auto y_of = place(*this, ys, 2, columns, how), dy = place(*this, dys, 2, columns, how);
      softmax_backward(this->executor, y_of.read(), dy.read(), dy.view);
      const double dot = columns * 0x1p-18 * double{0.4966f}, slope = 0x1p-18 * (double{0.4966f} - dot);
      EXPECT_NEAR(gather(*this, dy)[3], slope, 0x1p-18 * (dot + 1) * bound<float>(columns, 0))
          << columns << name_of(how);
    }
}

// 0 times infinity would be NaN.
TYPED_TEST(softmax_on, leaves_masked_columns_out_of_the_gradient) {
  const auto y = place(*this, std::vector<float>{0.5f, 0, 0.5f, 0}, 1, 4, layout::dense),
             dy = place(*this, std::vector<float>{1, INFINITY, 3, NAN}, 1, 4, layout::dense);
  softmax_backward(this->executor, y.read(), dy.read(), dy.view);
  EXPECT_EQ(gather(*this, dy), (std::vector<float>{-0.5f, 0, 0.5f, 0}));
}

TYPED_TEST(softmax_on, cuts_rows_into_packs_wherever_they_begin) {
  // Each start from an aligned address, with row strides that move it from row to row; all lengths around the edges.
  for_types<double, float, half, bf16>([&]<class T>() {
    const int columns = draw(33, 120);
    for (int begin = 0; begin < 9; ++begin) {
      const int rows = 9, apart = columns + draw(0, 9), longest = rows * apart + begin;
      const auto values = draw_values<T>(static_cast<std::size_t>(rows) * columns, -8, 8);
      std::vector<T> all(static_cast<std::size_t>(longest), convert<T>(accumulator_t<T>(NAN)));
      for (int i = 0; i < rows * columns; ++i) all[begin + i / columns * apart + i % columns] = values[i];
      const auto x = this->put(all);
      const auto rows_of_x = matrix(x.data_handle() + begin, rows, columns, apart);
      softmax(this->executor, rows_of_x, rows_of_x);
      const auto after = this->get(x);
      const auto want = reference(doubles(values), rows, columns);
      for (int i = 0; i < longest; ++i) {
        const int row = (i - begin) / apart, column = (i - begin) % apart;
        if (i < begin || column >= columns)
          EXPECT_TRUE(std::isnan(as_double(after[i]))) << "an element outside of the rows was written";
        else
          EXPECT_NEAR(as_double(after[i]), want[row * columns + column],
                      forward_bound<T>(columns, 16) * want[row * columns + column] +
                          (std::is_same_v<T, half> ? 0x1p-25 : 0));
      }
    }
  });
  for (const int columns : {40, 300, 9001}) {  // x and y begin unlike: no packs
    this->template check<float>(3, columns, layout::dense, layout::odd);
    this->template check<bf16>(3, columns, layout::odd, layout::padded);
  }
}

TYPED_TEST(softmax_on, treats_infinity_and_nan_as_documented) {
  const float inf = INFINITY;
  for (const int columns : {5, 301, 9001, 53255}) {
    std::vector<float> values(static_cast<std::size_t>(columns) * 5, -3.0f);
    values[1] = -inf;                                                      // row 0: one -infinity
    for (int c = 0; c < columns; ++c) values[columns + c] = -inf;          // row 1: nothing else
    values[2 * columns + 3] = inf;                                         // row 2
    values[3 * columns + 2] = NAN;                                         // row 3
    for (int c = 0; c + 1 < columns; ++c) values[4 * columns + c] = -inf;  // row 4: all but the last
    values[4 * columns + columns - 1] = -200;
    const auto x = place(*this, values, 5, columns, layout::dense);
    softmax(this->executor, x.view, x.view);
    const auto y = gather(*this, x);
    EXPECT_EQ(y[1], 0);
    EXPECT_NEAR(y[0], 1.0 / (columns - 1), 1e-6);
    for (int r = 1; r < 4; ++r)
      for (int c = 0; c < columns; ++c) EXPECT_TRUE(std::isnan(y[r * columns + c])) << r << " " << c;
    EXPECT_EQ(y[4 * columns], 0);
    EXPECT_EQ(y[4 * columns + columns - 1], 1);
  }
}

TYPED_TEST(softmax_on, goes_backward) {
  for_types<double, float, bf16>([&]<class T>() {
    for (const int columns : {1, 7, 64, 321, 1500, 8203, 26639})
      this->template check_backward<T>(draw(1, columns > 8192 ? 2 : 5), columns, layouts[draw(0, 4)]);
    // dy begins 16 bytes beside y, which are aligned alike, but not for sectors of 32 bytes.
    for (const int columns : {35, 320, 1501, 8203})
      this->template check_backward<T>(3, columns, layout::padded, static_cast<int>(16 / sizeof(T)));
  });
}

TYPED_TEST(softmax_on, refuses_bad_input_before_it_launches) {
  const auto x = place(*this, draw_values<float>(12), 3, 4, layout::dense),
             y = place(*this, draw_values<float>(12), 3, 4, layout::dense);
  EXPECT_REFUSED(softmax(this->executor, x.view, matrix(y.view.pointer, 4, 3)),
                 "softmax: y is 4 x 3; it must be 3 x 4 like x");
  EXPECT_REFUSED(softmax(this->executor, matrix<float>(nullptr, 3, 4), y.view),
                 "x is a null view of size 3 x 4; it must point to its elements");
  EXPECT_REFUSED(softmax(this->executor, rows(x.view, 0, 2), rows(x.view, 1, 2)),
                 "softmax: y shares an element with x; the two must not overlap, or must be exactly the same view");
  EXPECT_REFUSED(softmax_backward(this->executor, x.view, y.view, x.view),
                 "softmax_backward: dx shares an element with y; the two must not overlap");
  softmax(this->executor, matrix<float>(nullptr, 0, 4), matrix<float>(nullptr, 0, 4));  // nothing to do
  softmax(this->executor, matrix<float>(nullptr, 3, 0), matrix<float>(nullptr, 3, 0));
}

TYPED_TEST(softmax_on, runs_the_callers_policy_or_says_why_not) {
  constexpr row_policy mine =
      TypeParam::uses_cpu_kernels
          ? row_policy{.threads = 1, .lanes_a_row = 1, .rows = 2, .vector = 4, .held = 8, .lowest = arch::cpu}
          : row_policy{.threads = 64, .lanes_a_row = 32, .rows = 2, .vector = 4, .held = 1};
  const auto values = draw_values<float>(3 * 32);
  const auto x = place(*this, values, 3, 32, layout::dense);
  softmax<mine>(this->executor, x.view, x.view);
  EXPECT_NEAR(gather(*this, x)[5], reference(doubles(values), 3, 32)[5], 1e-6);
  const auto longer = place(*this, draw_values<float>(132), 1, 132, layout::dense);
  EXPECT_REFUSED(softmax<mine>(this->executor, longer.view, longer.view),
                 "softmax: a row is longer than the lanes' registers can hold; held = 0 serves every length");
  const auto doubles_in = draw_values<double>(3 * 32);  // packs of 32 bytes
  const auto wide = place(*this, doubles_in, 3, 32, layout::odd);
  softmax<mine>(this->executor, wide.view, wide.view);
  EXPECT_NEAR(gather(*this, wide)[70], reference(doubles_in, 3, 32)[70], 1e-14);
  if constexpr (!TypeParam::uses_cpu_kernels) {
    const auto odd = place(*this, values, 3, 32, layout::odd);
    EXPECT_REFUSED(softmax<mine>(this->executor, x.view, odd.view),
                   "softmax: the operands' rows must have packs at the same columns: columns must be contiguous, and "
                   "pointers and row strides must differ by multiples of `vector` elements; vector = 1 serves all");
  }
}

#ifndef __CUDACC__  // no GPU is needed
TEST(row_policy, says_which_rule_is_broken) {
  EXPECT_EQ(broken_rule(row_policy{}), nullptr);
  EXPECT_STREQ(broken_rule(row_policy{.vector = 3}),
               "row_policy.vector must be a power of two, because an access is one pack");
  EXPECT_STREQ(broken_rule(row_policy{.threads = 48}), "row_policy.threads must be a multiple of 32, from 32 to 1024");
  EXPECT_STREQ(broken_rule(row_policy{.lanes_a_row = 64}),
               "row_policy.lanes_a_row must be 32 or threads, because a row belongs to a warp or to a block");
  EXPECT_STREQ(broken_rule(row_policy{.rows = 3}),
               "row_policy.rows must be threads / lanes_a_row, because each group of lanes has one row");
  EXPECT_STREQ(broken_rule(row_policy{.vector = 32}),
               "row_policy.vector must be at most 16, because the unaligned ends of a row are accessed by one lane "
               "for each element");
  EXPECT_STREQ(broken_rule(row_policy{.ahead = 0}),
               "row_policy.ahead must be at least 1, because a lane reads a pack before it uses it");
  EXPECT_STREQ(broken_rule(row_policy{.held = -1}), "row_policy.held must not be negative, and rows at least 1");
  EXPECT_STREQ(broken_rule(row_policy{.lowest = arch::cpu}),
               "row_policy.threads and lanes_a_row must be 1 on the CPU, because its blocks have one lane");
  for (const row_policy& p : row_table_gpu<half>::candidates) EXPECT_EQ(broken_rule(p), nullptr);
  for (const row_policy& p : row_table_cpu<double>::candidates) EXPECT_EQ(broken_rule(p), nullptr);
}
#endif

constexpr int chosen(int columns, int vector) {
  return row_table_gpu<float>::choose(row_problem{1000, columns, vector, true}, arch::sm_90).place;
}
static_assert(chosen(10, 4) == 0 && chosen(32, 4) == 0 && chosen(256, 1) == 0);
static_assert(chosen(33, 4) == 1 && chosen(1024, 4) == 1);
static_assert(chosen(1025, 4) == 2 && chosen(8192, 4) == 2);
static_assert(chosen(8193, 4) == 3 && chosen(50257, 4) == 3);
static_assert(chosen(257, 2) == 4 && chosen(50257, 1) == 4);

#ifndef __CUDACC__
// A rising row moves the reference of its exponentials again and again.
TEST(softmax, keeps_its_bound_on_rows_that_rise) {
  for (const int stride : {1, 2}) {
    const int n = 100'000;
    std::vector<float> x(static_cast<std::size_t>(n) * stride), y(x.size());
    for (int j = 0; j < n; ++j) x[static_cast<std::size_t>(j) * stride] = static_cast<float>(j * 8e-4);
    matrix_view<float> in(x.data(), 1, n), out(y.data(), 1, n);
    in.strides[1] = out.strides[1] = stride;
    softmax(cpu(1), in, out);
    double sum = 0;
    const double m = x[static_cast<std::size_t>(n - 1) * stride];
    for (int j = 0; j < n; ++j) sum += std::exp(x[static_cast<std::size_t>(j) * stride] - m);
    double worst = 0;
    for (int j = 0; j < n; ++j) {
      const double below = m - x[static_cast<std::size_t>(j) * stride], want = std::exp(-below) / sum;
      if (want < 1e-30) continue;
      const double bound = (32 + 2.2 * std::sqrt(n) + 16 + below) * 0x1p-24;
      worst = std::max(worst, std::fabs(y[static_cast<std::size_t>(j) * stride] - want) / want / bound);
    }
    EXPECT_LE(worst, 1) << "columns " << stride << " apart";
  }
}
#endif

}  // namespace
