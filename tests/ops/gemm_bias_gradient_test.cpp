// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The gradient of a bias from a GEMM's epilogue, against the columns of the C that was written: shapes, types, batches,
// groups, and the same bits whoever comes first. That it joins the other epilogues is gemm_epilogue_test's.
#include "tests/layouts.hpp"
#include "tests/worst_error.hpp"

#include <tilery/gemm_batched.hpp>
#include <tilery/gemm_grouped.hpp>
#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

constexpr gemm_simt_policy tiles{.block = {32, 64, 8},
                                 .lane = {4, 4},
                                 .a = along::any,
                                 .b = along::any,
                                 .vector = 1,
                                 .c_vector = 1,
                                 .k_parts = 1};
constexpr gemm_simt_policy shared_tiles = [] {
  gemm_simt_policy p = tiles;
  p.k_parts = stream_k;
  return p;
}();

template <class T>
matrix_view<const T> input(const buffer<T>& of, int rows, int columns) {
  return matrix(static_cast<const T*>(of.data_handle()), rows, columns);
}

/// The largest error of y = beta old + the sums of the columns of x (row-major), as a multiple of the bound.
template <class Y, class X>
double error_of(const std::vector<Y>& y, const std::vector<X>& x, double beta = 0, const std::vector<Y>& old = {}) {
  worst_error worst;
  const std::size_t n = y.size();
  for (std::size_t j = 0; j < n; ++j) {
    double sum = beta == 0 ? 0 : beta * as_double(old[j]), magnitude = std::fabs(sum);
    for (std::size_t i = j; i < x.size(); i += n) sum += as_double(x[i]), magnitude += std::fabs(as_double(x[i]));
    const double unit = unit_roundoff<X>();
    worst.compare(as_double(y[j]), sum,
                  64 * unit * magnitude + (unit_roundoff<Y>() + 2 * unit) * std::fabs(sum) + 0x1p-25);
  }
  return worst.value();
}

template <class Executor>
class gemm_bias_gradient_on : public on_executor<Executor> {
public:
  /// The default call.
  template <class T, class C, class Y>
  void is_right(int m, int n, int k) {
    const auto a = this->put(draw_values<T>(m * k)), b = this->put(draw_values<T>(k * n));
    const auto c = this->put(std::vector<C>(m * n));
    const auto y = this->put(std::vector<Y>(n, gap<Y>()));  // which is not read
    gemm(this->executor, input(a, m, k), input(b, k, n), matrix(c.data_handle(), m, n), epilogue::bias_gradient(y));
    EXPECT_LE(error_of(this->get(y), this->get(c)), 1) << element<T>::name << ": " << m << " x " << n << " x " << k;
  }
};
TYPED_TEST_SUITE(gemm_bias_gradient_on, executors);

TYPED_TEST(gemm_bias_gradient_on, is_the_sum_of_the_columns) {
  for (const auto& [m, n, k] : {std::array{1, 1, 1}, {200, 72, 16}, {67, 131, 9}, {700, 5, 8}, {7, 600, 24}})
    this->template is_right<float, float, float>(m, n, k);
  this->template is_right<double, double, float>(130, 66, 16);
  this->template is_right<double, double, double>(35, 70, 5);
  this->template is_right<bf16, float, bf16>(150, 136, 32);
  this->template is_right<half, float, half>(40, 24, 16);
}

TYPED_TEST(gemm_bias_gradient_on, adds_to_what_was_there) {
  const int m = 50, n = 70, k = 12;
  const auto a = this->put(draw_values<float>(m * k)), b = this->put(draw_values<float>(k * n));
  const auto c = this->put(std::vector<float>(m * n));
  const auto old = draw_values<bf16>(n);
  const auto y = place(*this, old, 1, n, layout::spread);
  vector_view<bf16> strided(y.view.pointer, n);
  strided.strides[0] = y.view.strides[1];
  gemm(this->executor, input(a, m, k), input(b, k, n), matrix(c.data_handle(), m, n),
       epilogue::bias_gradient(strided, 0.5));
  EXPECT_LE(error_of(gather(*this, y), this->get(c), 0.5, old), 1);

  // a double keeps its bits, whatever the sums are kept in
  const auto wide = this->put(std::vector<double>(n, 1 + 0x1p-40));
  const auto zeros = this->put(std::vector<float>(m * k));
  gemm(this->executor, input(zeros, m, k), input(b, k, n), matrix(c.data_handle(), m, n),
       epilogue::bias_gradient(wide, 1));
  EXPECT_EQ(this->get(wide), std::vector<double>(n, 1 + 0x1p-40));
}

// Sums that lose a unit of their first number with each other one, where they are kept in float.
TYPED_TEST(gemm_bias_gradient_on, keeps_its_bound_however_many_rows) {
  const int m = 5000;
  std::vector<float> column(m, 0x1p-24f);
  column[0] = 1;
  const auto a = this->put(column);
  for (const int n : {1, 8, 40}) {
    const auto b = this->put(std::vector<float>(n, 1.0f)), c = this->put(std::vector<float>(m * n)),
               y = this->put(std::vector<float>(n));
    gemm(this->executor, input(a, m, 1), input(b, 1, n), matrix(c.data_handle(), m, n), epilogue::bias_gradient(y));
    EXPECT_LE(error_of(this->get(y), this->get(c)), 1) << n;
  }
}

TYPED_TEST(gemm_bias_gradient_on, knows_nan_and_infinity) {
  const int m = 40, n = 6;
  std::vector<float> column(m, 1.0f), row{1, 2, INFINITY, NAN, -INFINITY, 0};
  const auto a = this->put(column), b = this->put(row), c = this->put(std::vector<float>(m * n));
  const auto y = this->put(std::vector<float>(n));
  const auto run = [&] {
    gemm(this->executor, input(a, m, 1), input(b, 1, n), matrix(c.data_handle(), m, n), epilogue::bias_gradient(y));
    return this->get(y);
  };
  const auto got = run();
  EXPECT_EQ(got[0], 40);
  EXPECT_EQ(got[1], 80);
  EXPECT_EQ(got[2], INFINITY);
  EXPECT_TRUE(std::isnan(got[3]));
  EXPECT_EQ(got[4], -INFINITY);
  EXPECT_EQ(got[5], 0);
}

// Whose tiles several blocks share, of many rows: the last block of a tile hands its columns over, and nobody else.
TYPED_TEST(gemm_bias_gradient_on, counts_shared_tiles_once) {
  const int m = 100, n = 130, k = 200;
  const auto a = this->put(draw_values<float>(m * k)), b = this->put(draw_values<float>(k * n));
  const auto c = this->put(std::vector<float>(m * n)), y = this->put(std::vector<float>(n));
  const auto call = [&](const auto& x) {
    const auto e = epilogue::bias_gradient(y) | epilogue::scale(1);
    if constexpr (TypeParam::uses_cpu_kernels)
      gemm(x, input(a, m, k), input(b, k, n), matrix(c.data_handle(), m, n), e);
    else
      gemm<shared_tiles>(x, input(a, m, k), input(b, k, n), matrix(c.data_handle(), m, n), e);
  };
  call(this->executor);
  EXPECT_LE(error_of(this->get(y), this->get(c)), 1);
}

TYPED_TEST(gemm_bias_gradient_on, takes_the_workspace_that_it_says) {
  if (TypeParam::uses_cpu_kernels) GTEST_SKIP() << "the CPU has no scratch";
  const int m = 64, n = 128, k = 64;
  const buffer<float> a(this->executor, m * k), b(this->executor, k * n), c(this->executor, m * n),
      y(this->executor, n);
  const auto bytes_with = [&](const auto& e) {
    return workspace_bytes(this->executor, [&](const auto& x) {
      gemm(x, input(a, m, k), input(b, k, n), matrix(c.data_handle(), m, n), e);
    });
  };
  EXPECT_EQ(bytes_with(epilogue::bias_gradient(y)), bytes_with(epilogue::none()) + 264 * n);
}

TYPED_TEST(gemm_bias_gradient_on, is_one_sum_for_a_batch) {
  const int batches = 3, m = 21, n = 37, k = 10;
  const auto a = this->put(draw_values<float>(batches * m * k)), b = this->put(draw_values<float>(k * n));
  const auto c = this->put(std::vector<float>(batches * m * n)), y = this->put(std::vector<float>(n));
  const tensor_view<const float, 3> as(a.data_handle(), batches, m, k);
  tensor_view<const float, 3> bs(b.data_handle(), batches, k, n);
  bs.strides[0] = 0;
  const tensor_view<float, 3> cs(c.data_handle(), batches, m, n);
  gemm_batched(this->executor, as, bs, cs, epilogue::bias_gradient(y));
  EXPECT_LE(error_of(this->get(y), this->get(c)), 1);

  // as pointers: a group whose members share the vector, and its beta counts once
  std::vector<const float*> pa, pb;
  std::vector<float*> pc;
  for (int i = 0; i < batches; ++i)
    pa.push_back(a.data_handle() + i * m * k), pb.push_back(b.data_handle()), pc.push_back(c.data_handle() + i * m * n);
  const auto old = this->get(y);
  gemm_batched(this->executor, matrix_pointers<const float>{pa, m, k}, matrix_pointers<const float>{pb, k, n},
               matrix_pointers<float>{pc, m, n}, epilogue::bias_gradient(y, 2));
  EXPECT_LE(error_of(this->get(y), this->get(c), 2, old), 1);
}

// More vectors than one launch takes; members with no rows, whose sums are empty.
TYPED_TEST(gemm_bias_gradient_on, is_each_members_own_in_a_group) {
  const int count = 70, n = 9, k = 4, most = 6;
  const auto a = this->put(draw_values<float>(most * k)), b = this->put(draw_values<float>(k * n));
  const auto c = this->put(std::vector<float>(count * most * n)), y = this->put(std::vector<float>(count * n, 3.0f));
  const auto sums_to = [&](int i, double beta) {
    return epilogue::bias_gradient(vector(y.data_handle() + i * n, n), beta);
  };
  using member = gemm_member<float, float, float, decltype(sums_to(0, 0))>;
  std::vector<member> members;
  for (int i = 0; i < count; ++i)
    members.push_back({input(a, i % (most + 1), k), input(b, k, n),
                       matrix(c.data_handle() + i * most * n, i % (most + 1), n), sums_to(i, i % 2)});
  gemm_grouped(this->executor, std::span<const member>(members));
  const auto got = this->get(y), of_c = this->get(c);
  for (int i = 0; i < count; ++i) {
    const auto first = of_c.begin() + i * most * n;
    const std::vector<float> one(got.begin() + i * n, got.begin() + (i + 1) * n), x(first, first + i % (most + 1) * n);
    EXPECT_LE(error_of(one, x, i % 2, std::vector<float>(n, 3.0f)), 1) << i;
  }
}

// Of no columns, whose vectors may lie anywhere.
TYPED_TEST(gemm_bias_gradient_on, does_not_take_an_empty_vector_for_another_members) {
  const auto b = this->put(draw_values<float>(20)), y = this->put(std::vector<float>(5, 7.0f));
  using member = gemm_member<float, float, float, decltype(epilogue::bias_gradient(y))>;
  const auto of_size = [&](int m, int n, double beta) {
    return member{input(b, m, 4), input(b, 4, n), matrix(static_cast<float*>(nullptr), m, n),
                  epilogue::bias_gradient(vector(y.data_handle(), n), beta)};
  };
  const std::vector<member> members{of_size(3, 0, 1), of_size(0, 5, 0)};
  gemm_grouped(this->executor, std::span<const member>(members));
  EXPECT_EQ(this->get(y), std::vector<float>(5, 0.0f));
}

TYPED_TEST(gemm_bias_gradient_on, of_no_rows_is_zero) {
  const int n = 5, k = 3;
  const auto b = this->put(draw_values<float>(k * n)), y = this->put(std::vector<float>(n, 7.0f));
  const float* const none = nullptr;
  float* const nowhere = nullptr;
  gemm(this->executor, matrix(none, 0, k), input(b, k, n), matrix(nowhere, 0, n), epilogue::bias_gradient(y, 1));
  EXPECT_EQ(this->get(y), std::vector<float>(n, 7.0f));
  gemm(this->executor, matrix(none, 0, k), input(b, k, n), matrix(nowhere, 0, n),
       epilogue::relu() | epilogue::bias_gradient(y));
  EXPECT_EQ(this->get(y), std::vector<float>(n, 0.0f));
  const tensor_view<const float, 3> no_a(none, 0, 2, k), no_b(none, 0, k, n);
  const auto z = this->put(std::vector<float>(n, 7.0f));
  gemm_batched(this->executor, no_a, no_b, tensor_view<float, 3>(nowhere, 0, 2, n), epilogue::bias_gradient(z));
  EXPECT_EQ(this->get(z), std::vector<float>(n, 0.0f));
  const auto w = this->put(std::vector<float>(n, 7.0f));
  gemm_batched(this->executor, matrix_pointers<const float>{{}, 2, k}, matrix_pointers<const float>{{}, k, n},
               matrix_pointers<float>{{}, 2, n}, epilogue::bias_gradient(w));
  EXPECT_EQ(this->get(w), std::vector<float>(n, 0.0f));
  // and of no products, the sum of what the epilogue makes of 0
  const auto c = this->put(std::vector<float>(4 * n));
  gemm(this->executor, matrix(none, 4, 0), matrix(none, 0, n), matrix(c.data_handle(), 4, n),
       epilogue::sigmoid() | epilogue::bias_gradient(y));
  EXPECT_EQ(this->get(y), std::vector<float>(n, 2.0f));
}

TYPED_TEST(gemm_bias_gradient_on, refuses_what_it_cannot_write) {
  const auto a = this->put(std::vector<float>(12)), b = this->put(std::vector<float>(20)),
             c = this->put(std::vector<float>(40, 7.0f)), y = this->put(std::vector<float>(20, 7.0f));
  const auto call = [&](auto... e) {
    gemm(this->executor, input(a, 3, 4), input(b, 4, 5), matrix(c.data_handle(), 3, 5), (epilogue::none() | ... | e));
  };
  const auto at = [&](int first, int size) { return vector(y.data_handle() + first, size); };
  EXPECT_REFUSED(call(epilogue::bias_gradient(at(0, 4))),
                 "gemm: the epilogue's bias gradient has 4 elements; it must have n = 5");
  const auto of_none = [&](const auto& e) {
    gemm_batched(this->executor, matrix_pointers<const float>{{}, 3, 4}, matrix_pointers<const float>{{}, 4, 5},
                 matrix_pointers<float>{{}, 3, 5}, e);
  };
  EXPECT_REFUSED(of_none(epilogue::bias_gradient(at(0, 4))),
                 "gemm_batched: the epilogue's bias gradient has 4 elements; it must have n = 5");
  EXPECT_REFUSED(of_none(epilogue::bias_gradient(at(0, 5)) | epilogue::bias_gradient(at(0, 5))),
                 "gemm_batched: the epilogue's bias gradient shares an element");
  EXPECT_REFUSED(call(epilogue::bias_gradient(vector(c.data_handle(), 5))),
                 "gemm: C shares an element with the epilogue's bias gradient; the two must not overlap");
  EXPECT_REFUSED(call(epilogue::bias_gradient(at(0, 5)), epilogue::bias_gradient(at(0, 5))),
                 "gemm: the epilogue's bias gradient shares an element with the epilogue's bias gradient");
  EXPECT_REFUSED(call(epilogue::bias_gradient(vector(static_cast<float*>(nullptr), 5))),
                 "gemm: the epilogue's bias gradient is a null view of size 5");
  auto folded = at(0, 5);
  folded.strides[0] = 0;
  EXPECT_REFUSED(call(epilogue::bias_gradient(folded)),
                 "gemm: the epilogue's bias gradient is written, but several of its elements have the same address "
                 "because of its stride 0; each must have its own");

  using member = gemm_member<float, float, float, decltype(epilogue::bias_gradient(y))>;
  const auto one = [&](int number, int first, double beta) {
    return member{input(a, 3, 4), input(b, 4, 5), matrix(c.data_handle() + 15 * number, 3, 5),
                  epilogue::bias_gradient(at(first, 5), beta)};
  };
  const auto group = [&](const member& first, const member& second) {
    const std::vector<member> both{first, second};
    gemm_grouped(this->executor, std::span<const member>(both));
  };
  EXPECT_REFUSED(group(one(0, 0, 1), one(1, 0, 0)),
                 "gemm_grouped: member 1: the beta of its bias gradient is 0; it must be 1 as that of member 0, which "
                 "adds to the same vector");
  EXPECT_REFUSED(group(one(0, 0, 1), one(1, 2, 1)),
                 "the epilogue's bias gradient shares an element with the epilogue's bias gradient of member");
  const auto of_two = [&](const auto& first, const auto& second) {
    using both = gemm_member<float, float, float, std::remove_cvref_t<decltype(first)>>;
    const std::vector<both> members{{input(a, 3, 4), input(b, 4, 1), matrix(c.data_handle(), 3, 1), first},
                                    {input(a, 3, 4), input(b, 4, 1), matrix(c.data_handle() + 3, 3, 1), second}};
    gemm_grouped(this->executor, std::span<const both>(members));
  };
  EXPECT_REFUSED(of_two(epilogue::amax(at(0, 1)) | epilogue::bias_gradient(at(1, 1)),
                        epilogue::amax(at(1, 1)) | epilogue::bias_gradient(at(0, 1))),
                 "shares an element with the epilogue's bias gradient of member");
  const buffer<half> h(this->executor, 1), other(this->executor, 1);
  const auto as_bf16 = [](const buffer<half>& x) { return vector(reinterpret_cast<bf16*>(x.data_handle()), 1); };
  EXPECT_REFUSED(of_two(epilogue::bias_gradient(h) | epilogue::bias_gradient(as_bf16(other)),
                        epilogue::bias_gradient(other) | epilogue::bias_gradient(as_bf16(h))),
                 "gemm_grouped: member 1: its bias gradient is bf16; it must be f16 as that of member 0");
  EXPECT_EQ(this->get(c), std::vector<float>(40, 7.0f)) << "nothing was written";
  EXPECT_EQ(this->get(y), std::vector<float>(20, 7.0f)) << "nothing was written";
  EXPECT_FALSE(validate(this->executor, [&](const auto& x) {
    gemm(x, input(a, 3, 4), input(b, 4, 5), matrix(c.data_handle(), 3, 5), epilogue::bias_gradient(at(0, 5)));
  }));
}

#ifndef __CUDACC__
/// The bits of a bias gradient on an executor, by the default call or by a policy.
template <class Call>
std::vector<float> bits_of(int m, int n, int k, const Call& call) {
  std::vector<float> a(m * k), b(k * n), c(m * n), y(n);
  std::mt19937 engine(7);
  for (auto* v : {&a, &b})
    for (float& x : *v) x = std::uniform_real_distribution<float>(-1, 1)(engine);
  call(matrix(a.data(), m, k), matrix(b.data(), k, n), matrix(c.data(), m, n),
       epilogue::bias_gradient(vector(y.data(), n)));
  return y;
}

TEST(gemm_bias_gradient, has_the_same_bits_for_any_number_of_threads) {
  // large, few rows, in pieces that threads make narrow or wide, few columns of a row-major and of a column-major A
  for (const auto& [m, n, k] :
       {std::array{301, 200, 300}, {5, 6000, 200}, {5, 880, 304}, {8, 1024, 512}, {6000, 3, 200}, {6000, 1, 200}}) {
    const auto on = [&](int threads, bool transposed_a) {
      return bits_of(m, n, k, [&, m = m, k = k](auto a, auto b, auto c, auto e) {
        gemm(cpu(threads), transposed_a ? transposed(matrix(a.pointer, k, m)) : a, b, c, e);
      });
    };
    for (const bool transposed_a : {false, true}) {
      const auto want = on(1, transposed_a);
      for (const int threads : {2, 3, 7, 16})
        EXPECT_EQ(on(threads, transposed_a), want) << m << " x " << n << ", " << threads;
    }
  }
}

TEST(gemm_bias_gradient, has_the_same_bits_in_any_order_of_blocks) {
  const auto on = [](std::uint64_t seed) {
    return bits_of(150, 130, 20,
                   [&](auto... operands) { gemm<tiles>(virtual_gpu(arch::sm_90, {.seed = seed}), operands...); });
  };
  const auto want = on(0);
  for (const std::uint64_t seed : {1, 2, 3}) EXPECT_EQ(on(seed), want);
}

/// A warp hands each of its columns over once: what its lanes have of a column is in registers until then.
template <auto P, class T>
void expect_one_atomic_a_column(int warp_rows, bool a_transposed, bool b_transposed) {
  const int m = 2 * P.block.m, n = 2 * P.block.n, k = 64;
  const auto a_values = draw_values<T>(m * k, 1, 2), b_values = draw_values<T>(k * n, 1, 2);
  std::vector<accumulator_t<T>> c(m * n), y(n);
  const matrix_view<const T> a = a_transposed ? transposed(matrix(a_values.data(), k, m))
                                              : matrix(a_values.data(), m, k),
                             b = b_transposed ? transposed(matrix(b_values.data(), n, k))
                                              : matrix(b_values.data(), k, n);
  launch_report report;
  gemm<P>(virtual_gpu(arch::sm_90, {.report = &report}), a, b, matrix(c.data(), m, n),
          epilogue::bias_gradient(vector(y.data(), n)));
  ASSERT_EQ(report.profiles.size(), 2u);
  for (const fault& f : report.faults) ADD_FAILURE() << f.text();
  std::int64_t atomics = 0;
  for (const site_profile& s : report.profiles[0].sites)
    if (s.kind == site_kind::atomic) atomics += s.lanes;
  EXPECT_EQ(atomics, std::int64_t{m} / warp_rows * n * tile::exact_grid<accumulator_t<T>>::pieces)
      << describe(P).c_str() << a_transposed << b_transposed;
}

constexpr gemm_mma_sync_policy wide{.block = {64, 128, 32}, .warp = {64, 64}, .stages = 2};
constexpr gemm_mma_sync_policy doubles{.block = {32, 32, 16},
                                       .warp = {32, 32},
                                       .stages = 2,
                                       .vector = 2,
                                       .c_vector = 2};
constexpr gemm_simt_policy eights{.block = {64, 128, 8}, .lane = {8, 8}, .k_parts = 1};

TEST(gemm_bias_gradient, takes_one_atomic_operation_a_column_of_a_warp) {
  expect_one_atomic_a_column<wide, bf16>(64, false, false);
  expect_one_atomic_a_column<wide, bf16>(64, true, true);
  expect_one_atomic_a_column<doubles, double>(32, false, false);
  expect_one_atomic_a_column<doubles, double>(32, true, true);
  expect_one_atomic_a_column<eights, float>(eights.warp_m * eights.lane.m, false, false);
  expect_one_atomic_a_column<eights, float>(eights.warp_n * eights.lane.n, true, true);
}
#endif

}  // namespace
