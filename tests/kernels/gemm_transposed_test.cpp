// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels that compute C's transpose, two column-major operands through those for row-major ones, and few columns
// through those for few rows: C, and what an epilogue reads, writes and numbers, are as ever.
#include "tests/gemm_reference.hpp"
#include "tests/layouts.hpp"

#include <tilery/gemm_batched.hpp>
#include <tilery/gemm_grouped.hpp>

#include <cstring>

namespace {

using namespace tilery;
using namespace tilery_tests;

constexpr gemm_simt_policy simt{.block = {32, 64, 8}, .lane = {4, 4}};
constexpr gemm_simt_policy simt_f64{.block = {32, 64, 8}, .lane = {4, 4}, .vector = 2, .c_vector = 2};
constexpr gemm_mma_sync_policy mma{.block = {32, 64, 32}, .warp = {32, 32}, .stages = 2, .vector = 8};
constexpr gemm_mma_sync_policy mma_in_parts{.block = {32, 64, 32},
                                            .warp = {16, 32},
                                            .stages = 3,
                                            .vector = 8,
                                            .k_parts = 3};
constexpr gemm_mma_sync_policy mma_f64{.block = {32, 64, 16},
                                       .warp = {32, 32},
                                       .stages = 2,
                                       .vector = 2,
                                       .c_vector = 2};
constexpr gemm_mma_sync_policy few = gemm_mma_sync_table<bf16>::candidates[gemm_mma_sync_table<bf16>::few];
constexpr gemm_mma_sync_policy few_in_parts = [] {
  gemm_mma_sync_policy p = few;
  p.warp.n = 64, p.stages = 3, p.k_parts = 3;
  return p;
}();
constexpr gemm_mma_sync_policy looked_up{.block = {32, 64, 32},
                                         .warp = {32, 32},
                                         .stages = 2,
                                         .a = along::any,
                                         .b = along::any};
static_assert(few.may_transpose() && !looked_up.may_transpose());
static_assert(simt.may_transpose() && mma.may_transpose());
static_assert(!gemm_simt_policy{.b = along::k}.may_transpose() &&
              !gemm_mma_sync_policy{.a = along::outer}.may_transpose());
static_assert(!gemm_simt_policy{.vector = 1}.may_transpose(), "any strides are its own affair");

template <class Executor>
class gemm_transposed : public on_executor<Executor> {
public:
  /// alpha A B + beta C, biases by column and by row, and their sum stored, through P; A and B lie so.
  template <auto P, class T, class R>
  void check(int m, int n, int k, layout a_layout, layout b_layout) {
    if (!is_at_least(this->executor.target(), P.lowest)) GTEST_SKIP() << "needs a later arch";
    SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k << " " << element<T>::name << "; " << describe(P));
    using S = accumulator_t<T>;
    constexpr gemm_factors f = {.alpha = 0.5, .beta = -1};
    const auto a_values = draw_values<T>(static_cast<std::size_t>(m) * k),
               b_values = draw_values<T>(static_cast<std::size_t>(k) * n);
    const auto c_values = draw_values<R>(static_cast<std::size_t>(m) * n);
    const auto bias_values = draw_values<S>(static_cast<std::size_t>(n)),
               row_values = draw_values<S>(static_cast<std::size_t>(m));
    const auto a = place(*this, a_values, m, k, a_layout), b = place(*this, b_values, k, n, b_layout);
    const auto c = place(*this, c_values, m, n, layout::padded);
    const auto stored = place(*this, std::vector<S>(static_cast<std::size_t>(m) * n), m, n, layout::dense);
    const auto bias = this->put(bias_values), rows = this->put(row_values);
    gemm<P>(this->executor, a.read(), b.read(), c.view,
            epilogue::bias(bias) | epilogue::row_bias(rows) | epilogue::store(stored.view) | epilogue::scale(2), f);
    const auto got = gather(*this, c);
    const auto halves = gather(*this, stored);
    worst_error worst, of_stored;
    const double unit = std::is_same_v<T, double> ? 0x1p-53 : 0x1p-22;
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        const exact_product exact(a_values, b_values, n, k, i, j);
        const double old = f.beta * as_double(c_values[i * n + j]);
        const double want = f.alpha * exact.sum + old + bias_values[j] + row_values[i];
        const double bound = (k + 2) * unit * exact.magnitude * f.alpha + 8 * unit * (std::fabs(old) + 4);
        of_stored.compare(halves[i * n + j], want, bound);
        worst.compare(as_double(got[i * n + j]), 2 * want,
                      2 * bound + (std::is_same_v<R, S> ? 0 : unit_roundoff<R>() * std::fabs(2 * want) + 0x1p-25));
      }
    EXPECT_LE(worst.value(), 1);
    EXPECT_LE(of_stored.value(), 1);
  }

  template <auto P, class T, class R = T>
  void check_all(int m, int n, int k) {
    for (const layout l : {layout::dense, layout::column_major}) this->template check<P, T, R>(m, n, k, l, l);
  }
};
TYPED_TEST_SUITE(gemm_transposed, gpus);

TYPED_TEST(gemm_transposed, is_right_with_epilogues_at_every_edge) {
  this->template check_all<simt, float>(72, 40, 20);
  this->template check_all<simt, float>(132, 12, 36);
  this->template check_all<simt_f64, double>(34, 70, 18);
  this->template check_all<mma, bf16, float>(72, 136, 40);
  this->template check_all<mma, half>(136, 24, 72);
  this->template check_all<mma_in_parts, bf16>(72, 136, 320);
  this->template check_all<mma_f64, double>(34, 70, 50);
}

// The long operand is aligned and contiguous along k or along its outer dimension; the short one has any layout.
TYPED_TEST(gemm_transposed, few_rows_or_columns_are_right_for_every_layout_of_the_short_operand) {
  for (const layout aligned : {layout::dense, layout::column_major})
    for (const layout any : layouts) {
      this->template check<few, bf16, float>(13, 136, 200, any, aligned);
      this->template check<few, bf16, bf16>(264, 16, 72, aligned, any);
      this->template check<few_in_parts, half, half>(16, 128, 520, any, aligned);
      this->template check<few_in_parts, half, float>(136, 1, 264, aligned, any);
    }
  this->template check<few, bf16, bf16>(3, 128, 45, layout::spread, layout::dense);
  this->template check<few, bf16, bf16>(128, 2, 1, layout::column_major, layout::dense);
}

TYPED_TEST(gemm_transposed, a_kernel_looks_up_the_layout_of_both_operands) {
  for (const layout a : {layout::dense, layout::padded, layout::column_major})
    for (const layout b : {layout::dense, layout::column_major}) {
      this->template check<looked_up, half, half>(72, 136, 200, a, b);
      this->template check<looked_up, bf16, float>(8, 8, 8, a, b);
    }
}

// What the policy cannot serve is refused: an unaligned long operand, or one without a contiguous dimension.
TYPED_TEST(gemm_transposed, few_rows_need_an_aligned_long_operand) {
  if (!is_at_least(this->executor.target(), few.lowest)) GTEST_SKIP() << "needs a later arch";
  const auto a = place(*this, std::vector<bf16>(5 * 64), 5, 64, layout::dense);
  const auto c = place(*this, std::vector<bf16>(5 * 128), 5, 128, layout::dense);
  const auto odd = place(*this, std::vector<bf16>(64 * 128), 64, 128, layout::odd),
             spread = place(*this, std::vector<bf16>(64 * 128), 64, 128, layout::spread);
  EXPECT_REFUSED(gemm<few>(this->executor, a.view, odd.view, c.view), "gemm: A and B must be aligned for the policy's");
  EXPECT_REFUSED(gemm<few>(this->executor, a.view, spread.view, c.view),
                 "gemm: A and B must have the policy's layouts");
}

template <class T>
constexpr bool transposed_by_default(int m, int n, int k) {
  const gemm_problem p{m, n, k, {along::outer, 16 / sizeof(T)}, {along::k, 16 / sizeof(T)}, 4, arch::sm_90};
  using table = gemm_mma_sync_table<T>;
  return transposed_if_needed(table::candidates[table::choose(p).index], p).m == n;
}
static_assert(transposed_by_default<bf16>(4096, 2048, 64));

// A batch and a group through tiles that are not square, with an epilogue that numbers all rows of the batch.
TYPED_TEST(gemm_transposed, has_its_own_tiles_in_batches_and_groups) {
  const int m = 48, n = 72, k = 20, batches = 3;
  const auto a = this->put(draw_values<float>(static_cast<std::size_t>(batches) * m * k)),
             b = this->put(draw_values<float>(static_cast<std::size_t>(batches) * k * n));
  const auto rows = this->put(draw_values<float>(static_cast<std::size_t>(batches) * m));
  const auto size = static_cast<std::size_t>(batches) * m * n;
  const auto one_by_one = this->put(std::vector<float>(size)), batched = this->put(std::vector<float>(size)),
             grouped = this->put(std::vector<float>(size));
  using row_bias = decltype(epilogue::row_bias(vector(rows.data_handle(), m)));
  std::vector<gemm_member<const float, const float, float, row_bias>> members;
  for (int i = 0; i < batches; ++i) {
    const auto from_a = transposed(matrix<const float>(a.data_handle() + i * m * k, k, m)),
               from_b = transposed(matrix<const float>(b.data_handle() + i * k * n, n, k));
    const auto bias = epilogue::row_bias(vector(rows.data_handle() + i * m, m));
    gemm<simt>(this->executor, from_a, from_b, matrix(one_by_one.data_handle() + i * m * n, m, n), bias);
    members.push_back({from_a, from_b, matrix(grouped.data_handle() + i * m * n, m, n), bias});
  }
  gemm_grouped<simt>(this->executor, std::span<const gemm_member<const float, const float, float, row_bias>>(members));
  tensor_view<const float, 3> all_a(a.data_handle(), batches, m, k), all_b(b.data_handle(), batches, k, n);
  all_a.strides[1] = 1, all_a.strides[2] = m, all_b.strides[1] = 1, all_b.strides[2] = k;
  gemm_batched<simt>(this->executor, all_a, all_b, tensor_view<float, 3>(batched.data_handle(), batches, m, n),
                     epilogue::row_bias(vector(rows.data_handle(), batches * m)));
  const auto want = this->get(one_by_one);
  EXPECT_EQ(std::memcmp(this->get(batched).data(), want.data(), size * sizeof(float)), 0);
  EXPECT_EQ(std::memcmp(this->get(grouped).data(), want.data(), size * sizeof(float)), 0);
}

// A batch and a group of column-major operands give the bits of each GEMM alone, and right numbers.
TYPED_TEST(gemm_transposed, batches_and_groups_have_the_bits_of_each_alone) {
  const int m = 48, n = 72, k = 64, batches = 3;
  const auto a = this->put(draw_values<bf16>(static_cast<std::size_t>(batches) * m * k)),
             b = this->put(draw_values<bf16>(static_cast<std::size_t>(batches) * k * n));
  const auto size = static_cast<std::size_t>(batches) * m * n;
  const auto one_by_one = this->put(std::vector<float>(size)), batched = this->put(std::vector<float>(size)),
             grouped = this->put(std::vector<float>(size));
  std::vector<gemm_member<const bf16, const bf16, float>> members;
  for (int i = 0; i < batches; ++i) {
    const auto from_a = transposed(matrix<const bf16>(a.data_handle() + i * m * k, k, m)),
               from_b = transposed(matrix<const bf16>(b.data_handle() + i * k * n, n, k));
    gemm(this->executor, from_a, from_b, matrix(one_by_one.data_handle() + i * m * n, m, n));
    members.push_back({from_a, from_b, matrix(grouped.data_handle() + i * m * n, m, n)});
  }
  gemm_grouped(this->executor, std::span<const gemm_member<const bf16, const bf16, float>>(members));
  tensor_view<const bf16, 3> all_a(a.data_handle(), batches, m, k), all_b(b.data_handle(), batches, k, n);
  all_a.strides[1] = 1, all_a.strides[2] = m, all_b.strides[1] = 1, all_b.strides[2] = k;
  gemm_batched(this->executor, all_a, all_b, tensor_view<float, 3>(batched.data_handle(), batches, m, n));
  const auto want = this->get(one_by_one);
  EXPECT_EQ(std::memcmp(this->get(batched).data(), want.data(), size * sizeof(float)), 0);
  EXPECT_EQ(std::memcmp(this->get(grouped).data(), want.data(), size * sizeof(float)), 0);
  const auto a_values = this->get(a), b_values = this->get(b);
  worst_error worst;
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0, magnitude = 0;
      for (int x = 0; x < k; ++x) {
        const double product = as_double(a_values[x * m + i]) * as_double(b_values[j * k + x]);
        sum += product, magnitude += std::fabs(product);
      }
      worst.compare(want[i * n + j], sum, (k + 2) * 0x1p-22 * magnitude);
    }
  EXPECT_LE(worst.value(), 1);
}

}  // namespace
