// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The convolution benchmarks' reference beside the CPU's convolutions, on a problem of each kind in each direction: the
// elements that a GPU's results are compared with, and the calls that the benchmarks make.
#include "benchmarks/conv_reference.hpp"

#include <tilery/cpu.hpp>

#include <gtest/gtest.h>

namespace {

using namespace tilery_benchmarks;
using tilery::conv_direction;

constexpr std::int64_t a_begin = 1000, b_begin = 77;

std::vector<float> sequence(std::uint64_t seed, std::int64_t begin, const extents4& e) {
  std::vector<float> values(static_cast<std::size_t>(size_of(e)));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = counted_uniform<float>(seed, static_cast<std::uint64_t>(begin) + i);
  return values;
}

/// c by the CPU's convolution.
std::vector<float> result_of(const conv_case& problem) {
  const auto a = sequence(seed_of_a, a_begin, problem.a());
  const auto b = sequence(seed_of_b, b_begin, problem.b());
  std::vector<float> c(static_cast<std::size_t>(size_of(problem.c())));
  convolve(tilery::cpu(1), problem, a.data(), b.data(), c.data());
  return c;
}

std::vector<conv_case> problems() {
  std::vector<conv_case> all;
  for (const char* line :
       {"t plain 6 7 8 10 3x2 1 1 1 1 -", "t stride 5 9 8 4 3x3 2 1 1 1 -", "t shortcut 4 7 7 6 1x1 2 0 1 1 -",
        "t dilation 4 12 11 6 3x3 2 2 3 2 -", "t depthwise 8 9 9 8 3x3 2 1 1 8 -", "t first 3 15 15 8 7x7 2 3 1 1 -"})
    for (const auto direction :
         {conv_direction::forward, conv_direction::data_gradient, conv_direction::weight_gradient})
      all.push_back({conv_shape_of_line(line), 2, direction});
  return all;
}

TEST(conv_reference, every_element_is_that_of_the_cpu) {
  for (const conv_case& problem : problems()) {
    const auto c = result_of(problem);
    double differences = 0, squares = 0;
    for (std::size_t i = 0; i < c.size(); ++i) {
      const double exact = exact_element<float>(problem, a_begin, b_begin, static_cast<std::int64_t>(i));
      differences += (c[i] - exact) * (c[i] - exact), squares += exact * exact;
    }
    EXPECT_LE(std::sqrt(differences / squares), relative_bound<float>(problem.terms())) << problem.title("f32");
  }
}

TEST(conv_reference, samples_find_a_wrong_and_a_missing_element) {
  for (const conv_case& problem : problems()) {
    auto c = result_of(problem);
    const auto error = [&] {
      return sampled_conv_error<float>(problem, a_begin, b_begin,
                                       [&](std::int64_t i) { return c[static_cast<std::size_t>(i)]; });
    };
    const double bound = relative_bound<float>(problem.terms());
    EXPECT_LE(error(), bound) << problem.title("f32");
    const float last = c.back();
    c.back() += 1;
    EXPECT_GT(error(), bound) << problem.title("f32");
    c.back() = std::nanf("");
    EXPECT_FALSE(error() <= bound) << problem.title("f32");
    c.back() = last;
  }
}

TEST(conv_reference, no_element_adds_up_more_products_than_terms_says) {
  for (const conv_case& problem : problems()) {
    int most = 0;
    for (std::int64_t i = 0; i < size_of(problem.c()); ++i) {
      int products = 0;
      for_each_product(problem, i, [&](std::int64_t a, std::int64_t b) {
        ++products;
        EXPECT_TRUE(a >= 0 && a < size_of(problem.a()) && b >= 0 && b < size_of(problem.b()));
      });
      most = std::max(most, products);
    }
    EXPECT_GT(most, 0);
    EXPECT_LE(most, problem.terms()) << problem.title("f32");
  }
}

}  // namespace
