// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gradient_norm and tensor_norms: norms of lists of tensors, against sums in long double, and of lists whose norms are
// exact.
#include "tests/tensor_lists.hpp"

#include <tilery/gradient_norm.hpp>
#include <tilery/validate.hpp>

#include <span>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class T>
std::vector<dense_tensor<T>> list_of(const tensors<T>& all) {
  std::vector<dense_tensor<T>> list;
  for (std::size_t i = 0; i < all.all.size(); ++i) list.push_back({all.all[i], "t" + std::to_string(i)});
  return list;
}

/// A number that T represents exactly.
template <class T>
T exact(double value) {
  return convert<T>(static_cast<accumulator_t<T>>(value));
}

template <class Executor>
class gradient_norm_on : public on_executor<Executor> {
public:
  /// Empty tensors first, in the middle, and two of them last; one element; several chunks on each executor. 65536
  /// elements in all.
  static std::vector<int> sizes() { return {0, 1, 5, 0, 1000, 3, 16384, 8192, 39951, 0, 0}; }

  template <class T, class Result = double>
  Result norm_of(const std::vector<std::vector<T>>& values, int offset = 0, norm_options o = {}) const {
    const tensors<T> all(*this, values, offset);
    const auto list = list_of(all);
    const auto result = this->put(std::vector<Result>{-7});
    gradient_norm(this->executor, std::span(std::as_const(list)), result, o);
    return this->get(result)[0];
  }
  template <class T, class Result = double>
  std::vector<Result> norms_of(const std::vector<std::vector<T>>& values, norm_options o = {}) const {
    const tensors<T> all(*this, values, 1);
    const auto list = list_of(all);
    const auto results = this->put(std::vector<Result>(values.size(), -7));
    tensor_norms(this->executor, std::span(std::as_const(list)), results, o);
    return this->get(results);
  }
};
TYPED_TEST_SUITE(gradient_norm_on, executors);

constexpr norm_options maximum{.order = norm_order::maximum};

TYPED_TEST(gradient_norm_on, is_the_root_of_the_sum_of_squares) {
  for_types<double, float, half, bf16>([&]<class T>() {
    const auto values = draw_tensors<T>(this->sizes());
    const auto each = this->template norms_of<T>(values), largest = this->template norms_of<T>(values, maximum);
    const auto each_float = this->template norms_of<T, float>(values);
    long double all = 0;
    double most = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      long double sum = 0;
      double most_of_one = 0;
      for (const T x : values[i]) {
        sum += static_cast<long double>(as_double(x)) * as_double(x);
        most_of_one = std::max(most_of_one, std::abs(as_double(x)));
      }
      const double want = static_cast<double>(std::sqrt(sum));
      EXPECT_NEAR(each[i], want, want * 1e-13) << element<T>::name << ", tensor " << i;
      EXPECT_EQ(each_float[i], static_cast<float>(each[i]));
      EXPECT_EQ(largest[i], most_of_one) << element<T>::name << ", tensor " << i;
      all += sum, most = std::max(most, most_of_one);
    }
    const double want = static_cast<double>(std::sqrt(all));
    const double got = this->template norm_of<T>(values);
    EXPECT_NEAR(got, want, want * 1e-13) << element<T>::name;
    EXPECT_EQ((this->template norm_of<T, float>(values)), static_cast<float>(got));
    EXPECT_EQ(this->template norm_of<T>(values, 0, maximum), most);
  });
}

// 65536 ones: one element more or less changes the norm from 256.
TYPED_TEST(gradient_norm_on, counts_each_element_once) {
  for_types<double, float, half, bf16>([&]<class T>() {
    std::vector<std::vector<T>> ones;
    for (const int size : this->sizes()) ones.push_back(std::vector<T>(size, exact<T>(1)));
    for (const int offset : {0, 1, 3}) EXPECT_EQ(this->template norm_of<T>(ones, offset), 256) << offset;
    const auto each = this->template norms_of<T>(ones);
    for (std::size_t i = 0; i < ones.size(); ++i) EXPECT_EQ(each[i], std::sqrt(ones[i].size()));
    EXPECT_EQ(this->template norm_of<T>(ones, 1, maximum), 1);
  });
}

// Zeros, and -3 at one place: first and last elements of packs, chunks and tensors.
TYPED_TEST(gradient_norm_on, sees_an_element_at_any_place) {
  for (const int place : {0, 1, 7, 8191, 8192, 16383, 16384, 20000, 20004})
    for (const int offset : {0, 1}) {
      std::vector<std::vector<float>> values{std::vector<float>(3), std::vector<float>(20005), {}};
      values[1][place] = -3;
      EXPECT_EQ(this->template norm_of<float>(values, offset), 3) << place;
      EXPECT_EQ(this->template norm_of<float>(values, offset, maximum), 3) << place;
    }
}

// deepmd-kit#5519: a sum of squares in float overflows for gradients of 1e19.
TYPED_TEST(gradient_norm_on, neither_overflows_nor_underflows) {
  const auto of = [&]<class T>(T x) {
    return this->template norm_of<T>({std::vector<T>(4096, x), {}, std::vector<T>(12288, -x)}) / 128;
  };
  for (const float x : {1e19f, 3.4028235e38f, 1e-30f, 1e-45f}) EXPECT_NEAR(of(x) / x, 1, 1e-13) << x;
  for (const double x : {0x1p1000, 0x1p511, 0x1p-500, 0x1p-1000, 0x1p-1060}) EXPECT_EQ(of(x), x);
  for (const double x : {1e305, 1.3e154, 1e-160, 1e-300}) EXPECT_NEAR(of(x) / x, 1, 1e-13) << x;
  EXPECT_EQ(this->template norm_of<double>({{0x1p-1074}, {}}), 0x1p-1074) << "the smallest number";
  EXPECT_EQ(this->template norm_of<double>({{0x3p1000, 1e-300, 1}, {-0x4p1000}}), 0x5p1000);
  EXPECT_EQ(this->template norm_of<double>({{0x3p-1000, 0}, {-0x4p-1000}}), 0x5p-1000);
  EXPECT_EQ(this->template norm_of<double>({{1.7e308, 1.7e308}}), INFINITY) << "the norm itself is out of range";
  EXPECT_EQ((this->template norm_of<double, float>({{1e300}})), INFINITY);
  EXPECT_EQ((this->template norm_of<float, float>({std::vector<float>(4, 3e38f)})), INFINITY);
}

TYPED_TEST(gradient_norm_on, nan_and_infinity_reach_the_result) {
  const auto check = [&]<class T>(T) {
    for (const int tensor : {1, 3})
      for (const int place : {0, 9000}) {
        std::vector<std::vector<T>> values{{}, std::vector<T>(9001, exact<T>(2)), {}, std::vector<T>(9001), {}};
        values[tensor][place] = exact<T>(-INFINITY);
        for (const norm_options& o : {norm_options{}, maximum}) {
          EXPECT_EQ(this->template norm_of<T>(values, 0, o), INFINITY);
          const auto each = this->template norms_of<T>(values, o);
          EXPECT_EQ(each[tensor], INFINITY);
          EXPECT_LT(each[4 - tensor], INFINITY) << "the other tensor";
        }
        values[tensor][4500] = exact<T>(NAN);
        for (const norm_options& o : {norm_options{}, maximum}) {
          EXPECT_TRUE(std::isnan(this->template norm_of<T>(values, 0, o)));
          EXPECT_TRUE(std::isnan(this->template norms_of<T>(values, o)[tensor]));
        }
      }
  };
  check(float{}), check(double{}), check(half{}), check(bf16{});
}

// torchrec#3891: the norm of no gradients.
TYPED_TEST(gradient_norm_on, of_nothing_is_0) {
  for (const norm_options& o : {norm_options{}, maximum}) {
    EXPECT_EQ(this->template norm_of<float>({}, 0, o), 0);
    EXPECT_EQ(this->template norm_of<double>({{}, {}}, 0, o), 0);
    EXPECT_EQ(this->template norms_of<half>({{}, {}}, o), (std::vector<double>{0, 0}));
    EXPECT_TRUE(this->template norms_of<float>({}, o).empty());
    EXPECT_EQ(this->template norm_of<float>({{0, -0.0f}}, 0, o), 0);
  }
}

TYPED_TEST(gradient_norm_on, is_the_same_to_the_bit_at_any_address_and_in_each_run) {
  for_types<double, float, bf16>([&]<class T>() {
    const auto values = draw_tensors<T>(this->sizes());
    const double first = this->template norm_of<T>(values);
    for (const int offset : {0, 1, 2, 5}) EXPECT_EQ(this->template norm_of<T>(values, offset), first) << offset;
  });
}

// More tensors than a launch carries.
TYPED_TEST(gradient_norm_on, takes_any_number_of_tensors) {
  std::vector<std::vector<float>> values;
  double sum = 0;
  for (int i = 0; i < 1100; ++i) {
    values.push_back(std::vector<float>(i % 3, static_cast<float>(i)));
    sum += i % 3 * 1.0 * i * i;
  }
  EXPECT_EQ(this->template norm_of<float>(values), std::sqrt(sum)) << "whole numbers below 2^53: exact";
  const auto each = this->template norms_of<float>(values);
  for (int i = 0; i < 1100; ++i) EXPECT_EQ(each[i], std::sqrt(i % 3 * 1.0 * i * i)) << i;
}

TYPED_TEST(gradient_norm_on, takes_tensors_of_any_rank) {
  const auto memory = this->put(std::vector<float>(48, 1));
  const std::vector list{dense_tensor(tensor(memory.data_handle(), {2, 3, 4})),
                         dense_tensor(transposed(matrix(memory.data_handle(), 24, 1))),
                         dense_tensor(vector(static_cast<const float*>(memory.data_handle()), 16))};
  const auto result = this->put(std::vector<double>(1));
  gradient_norm(this->executor, std::span(list), result);
  EXPECT_EQ(this->get(result)[0], 8) << "tensors of a list may share elements";
}

TYPED_TEST(gradient_norm_on, refuses_bad_input) {
  const auto a = this->put(std::vector<float>(8)), r = this->put(std::vector<float>(3));
  const auto call = [&](const std::vector<dense_tensor<float>>& list, const auto& result, bool each = false) {
    if (each)
      tensor_norms(this->executor, std::span(list), result);
    else
      gradient_norm(this->executor, std::span(list), result);
  };
  const vector_view<float> one = vector(r.data_handle(), 1);
  EXPECT_REFUSED(call({{a}}, r), "gradient_norm: result has 3 elements; it must have 1, the norm");
  EXPECT_REFUSED(call({{a}}, r, true), "tensor_norms: results has 3 elements; it must have 1, one for each tensor");
  EXPECT_REFUSED(call({{a}, {transposed(matrix(a.data_handle(), 2, 4)), "conv1"}}, one),
                 "gradient_norm: tensor 1 (conv1) has gaps between its elements; it must be dense");
  EXPECT_REFUSED(call({{vector<float>(nullptr, 8)}}, one),
                 "gradient_norm: tensor 0 is a null view of size 8; it must point to its elements");
  EXPECT_REFUSED(call({{a}}, vector<float>(nullptr, 1)), "gradient_norm: result is a null view of size 1");
  EXPECT_REFUSED(call({{a}, {r, "r"}}, one), "shares an element with");
  vector_view<float> apart = vector(r.data_handle(), 2);
  apart.strides[0] = 2;
  EXPECT_REFUSED(call({{a}, {a}}, apart, true),
                 "tensor_norms: results has gaps between its elements; it must be dense");
}

#ifndef __CUDACC__
// 4.9e9 elements, and more than a launch can have chunks of.
TYPED_TEST(gradient_norm_on, counts_more_than_2_to_31_elements) {
  float* const memory = reinterpret_cast<float*>(std::uintptr_t{1} << 61);  // nothing is read
  const auto result = this->put(std::vector<double>(1));
  const auto bytes = [&](std::int64_t rows, std::int64_t columns) {
    return workspace_bytes(this->executor, [&](const auto& e) {
      const std::vector list{dense_tensor(matrix(memory, rows, columns))};
      gradient_norm(e, std::span(list), result);
    });
  };
  const std::int64_t chunk = ops::norm_chunk_elements<float>(this->executor);
  EXPECT_EQ(bytes(70000, 70000), (std::size_t{70000} * 70000 + chunk - 1) / chunk * 8);
  EXPECT_EQ(bytes(1, chunk + 1), 16u);
  EXPECT_REFUSED(bytes(2000000000, 2000000), "gradient_norm: the tensors have ");
  EXPECT_REFUSED(bytes(2000000000, 2000000), "there may be at most");
}

TEST(gradient_norm, is_the_same_to_the_bit_for_any_number_of_threads) {
  const auto values = draw_values<float>(100003);
  double want = 0;
  for (const int threads : {1, 2, 3, 7}) {
    double got = 0;
    const std::vector list{dense_tensor(vector(values.data(), 60000)),
                           dense_tensor(vector(values.data() + 60000, 40003))};
    gradient_norm(cpu(threads), std::span(list), vector(&got, 1));
    if (threads == 1) want = got;
    EXPECT_EQ(got, want) << threads;
  }
}
#endif

}  // namespace
