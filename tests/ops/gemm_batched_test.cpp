// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Batches of GEMMs: each is what `gemm` makes of it alone, bit by bit; strides, epilogues, refusals, on each executor.
#include "tests/gemm_reference.hpp"
#include "tests/layouts.hpp"

#include <tilery/gemm_batched.hpp>
#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

constexpr gemm_simt_policy small_simt{.block = {32, 64, 8}, .lane = {4, 4}, .vector = 1, .c_vector = 1, .k_parts = 1};
constexpr gemm_simt_policy shared_simt{.block = {32, 64, 8}, .lane = {4, 4}, .vector = 1, .c_vector = 1, .k_parts = 3};

template <class T>
tensor_view<T, 3> batch_of(T* data, int batches, std::int64_t batch_stride, int rows, std::int64_t row_stride,
                           int columns, std::int64_t column_stride = 1) {
  tensor_view<T, 3> v(data, batches, rows, columns);
  v.strides[0] = batch_stride, v.strides[1] = row_stride, v.strides[2] = column_stride;
  return v;
}

template <class Executor>
class gemm_batched_on : public on_executor<Executor> {
public:
  /// Both forms on the same operands give the same bits, and nothing else is written.
  template <class T, class Batch, class One>
  void same_as_alone(const tensor_view<const T, 3>& a, const tensor_view<const T, 3>& b, tensor_view<T, 3> c,
                     const buffer<T>& memory, const Batch& batch, const One& one) {
    const auto before = draw_values<T>(static_cast<std::size_t>(memory.size()));
    const auto from = vector(before.data(), static_cast<int>(memory.size()));
    copy_dense(this->executor, from, memory);
    batch(this->executor, a, b, c);
    const auto together = this->get(memory);
    copy_dense(this->executor, from, memory);
    for (int i = 0; i < c.extents[0]; ++i) one(this->executor, ops::slice(a, i), ops::slice(b, i), ops::slice(c, i));
    const auto alone = this->get(memory);
    EXPECT_EQ(std::memcmp(together.data(), alone.data(), together.size() * sizeof(T)), 0);
    EXPECT_NE(std::memcmp(together.data(), before.data(), together.size() * sizeof(T)), 0);
  }

  /// Every way that matrices of a batch may lie: one behind the other, with gaps, one for all, beside each other.
  template <class T, class Batch, class One>
  void every_stride(int m, int n, int k, const Batch& batch, const One& one) {
    const int count = 3;
    const auto a = this->put(draw_values<T>(static_cast<std::size_t>(count * m * (k + 8) + 64)));
    const auto b = this->put(draw_values<T>(static_cast<std::size_t>(count * k * (n + 8) + 64)));
    const buffer<T> c(this->executor, count * m * (n + 8) + 64);
    const T *A = a.data_handle(), *B = b.data_handle();
    T* C = c.data_handle();
    const auto dense_b = batch_of(B, count, k * n, k, n, n);
    const auto dense_c = batch_of(C, count, m * n, m, n, n);
    same_as_alone<T>(batch_of(A, count, m * k, m, k, k), dense_b, dense_c, c, batch, one);
    same_as_alone<T>(batch_of(A + 3, count, m * (k + 5), m, k + 3, k), batch_of(B + 1, count, k * n + 1, k, n, n),
                     batch_of(C + 2, count, m * (n + 1) + 3, m, n + 1, n), c, batch, one);
    same_as_alone<T>(batch_of(A, count, 0, m, k, k), batch_of(B, count, 0, k, 1, n, k), dense_c, c, batch, one);
    same_as_alone<T>(batch_of(A, count, k, m, count * k, k), dense_b, batch_of(C, count, n, m, count * n, n), c, batch,
                     one);
  }
};
TYPED_TEST_SUITE(gemm_batched_on, executors);

template <auto P>
struct with_policy {
  static constexpr auto batch = [](const auto& x, const auto&... views) {
    if constexpr (std::remove_cvref_t<decltype(x)>::uses_cpu_kernels)
      gemm_batched(x, views..., epilogue::relu(), {.alpha = 0.5, .beta = 1});
    else
      gemm_batched<P>(x, views..., epilogue::relu(), {.alpha = 0.5, .beta = 1});
  };
  static constexpr auto one = [](const auto& x, const auto&... views) {
    if constexpr (std::remove_cvref_t<decltype(x)>::uses_cpu_kernels)
      gemm(x, views..., epilogue::relu(), {.alpha = 0.5, .beta = 1});
    else
      gemm<P>(x, views..., epilogue::relu(), {.alpha = 0.5, .beta = 1});
  };
};

constexpr auto strided = gemm_mma_sync_table<half>::candidates_for(
    arch::sm_90)[gemm_mma_sync_table<half>::strided];  // clang 14 takes no local one

TYPED_TEST(gemm_batched_on, is_each_gemm_alone) {
  this->template every_stride<float>(35, 70, 20, with_policy<small_simt>::batch, with_policy<small_simt>::one);
  this->template every_stride<float>(1, 3, 40, with_policy<shared_simt>::batch, with_policy<shared_simt>::one);
  this->template every_stride<float>(33, 65, 40, with_policy<shared_simt>::batch, with_policy<shared_simt>::one);
}
TYPED_TEST(gemm_batched_on, is_each_gemm_alone_on_tensor_cores) {
  if (!TypeParam::uses_cpu_kernels && !has_features(this->executor.target(), features::mma_f16))
    GTEST_SKIP() << "mma.sync needs sm_80";
  this->template every_stride<half>(35, 70, 80, with_policy<strided>::batch, with_policy<strided>::one);
}

// The default call, and an epilogue that has operands: each matrix has its own rows of them.
TYPED_TEST(gemm_batched_on, gives_each_matrix_its_rows_of_the_epilogue) {
  const int count = 5, m = 24, n = 40, k = 32;
  const auto a_values = draw_values<float>(count * m * k), b_values = draw_values<float>(k * n);
  const auto bias_values = draw_values<float>(n), more_values = draw_values<float>(count * m * n);
  const auto a = this->put(a_values), b = this->put(b_values), bias = this->put(bias_values),
             more = this->put(more_values);
  const buffer<float, 3> c(this->executor, count, m, n);
  const buffer<float, 2> sums(this->executor, count * m, n);
  const auto e = epilogue::bias(bias) | epilogue::store(sums) |
                 epilogue::residual(matrix(static_cast<const float*>(more.data_handle()), count * m, n));
  gemm_batched(this->executor, batch_of<const float>(a.data_handle(), count, m * k, m, k, k),
               batch_of<const float>(b.data_handle(), count, 0, k, n, n), c, e);
  const auto got = this->get(c), stored = this->get(sums);
  worst_error worst;
  for (int row = 0; row < count * m; ++row)
    for (int j = 0; j < n; ++j) {
      const exact_product exact(a_values, b_values, n, k, row, j);
      const double sum = exact.sum + bias_values[j], bound = (k + 4) * 0x1p-23 * (exact.magnitude + 2);
      worst.compare(stored[row * n + j], sum, bound);
      worst.compare(got[row * n + j], sum + more_values[row * n + j], bound);
    }
  EXPECT_LE(worst.value(), 1);
}

// An operand of the epilogue beside C in the same rows, none of whose elements are C's.
TYPED_TEST(gemm_batched_on, takes_operands_between_its_matrices) {
  const int count = 2, m = 5, n = 4, k = 3, row = 2 * count * n;
  const auto a_values = draw_values<float>(count * m * k), b_values = draw_values<float>(k * n);
  const auto a = this->put(a_values), b = this->put(b_values), c = this->put(std::vector<float>(count * m * row, 1.0f));
  const auto beside = matrix(static_cast<const float*>(c.data_handle()) + count * n, count * m / 2, n, row);
  gemm_batched(this->executor, batch_of<const float>(a.data_handle(), count, m * k, m, k, k),
               batch_of<const float>(b.data_handle(), count, 0, k, n, n),
               batch_of(c.data_handle(), count, n, m, row, n), epilogue::bias(vector(beside.pointer, n)));
  const auto got = this->get(c);
  worst_error worst;
  for (int i = 0; i < count; ++i)
    for (int q = 0; q < m; ++q)
      for (int j = 0; j < n; ++j)
        worst.compare(got[q * row + i * n + j], 1 + exact_product(a_values, b_values, n, k, i * m + q, j).sum, 1e-5);
  EXPECT_LE(worst.value(), 1);
}

TYPED_TEST(gemm_batched_on, does_not_read_a_and_b_where_alpha_is_0) {
  const int count = 3, m = 33, n = 40, k = 70;
  const auto a = this->put(std::vector<float>(count * m * k, NAN)), b = this->put(std::vector<float>(k * n, INFINITY)),
             c = this->put(std::vector<float>(count * m * n, 3));
  gemm_batched(this->executor, batch_of<const float>(a.data_handle(), count, m * k, m, k, k),
               batch_of<const float>(b.data_handle(), count, 0, k, n, n),
               batch_of(c.data_handle(), count, m * n, m, n, n), {}, {.alpha = 0, .beta = 2});
  EXPECT_EQ(this->get(c), std::vector<float>(count * m * n, 6));
}

// Many small ones, and few large enough for all threads of the CPU.
TYPED_TEST(gemm_batched_on, takes_many_and_few) {
  const auto check = [&](int count, int m, int n, int k) {
    const auto a_values = draw_values<float>(count * m * k), b_values = draw_values<float>(count * k * n);
    const auto a = this->put(a_values), b = this->put(b_values);
    const buffer<float, 3> c(this->executor, count, m, n);
    gemm_batched(this->executor, batch_of<const float>(a.data_handle(), count, m * k, m, k, k),
                 batch_of<const float>(b.data_handle(), count, k * n, k, n, n), c);
    const auto got = this->get(c);
    worst_error worst;
    for (int i = 0; i < count; ++i) {
      const std::vector<float> one(b_values.begin() + i * k * n, b_values.begin() + (i + 1) * k * n);
      for (int row = 0; row < m; ++row)
        for (int j = 0; j < n; ++j) {
          const exact_product exact(a_values, one, n, k, i * m + row, j);
          worst.compare(got[(i * m + row) * n + j], exact.sum, (k + 2) * 0x1p-24 * exact.magnitude);
        }
    }
    EXPECT_LE(worst.value(), 1) << count << " of " << m << " x " << n << " x " << k;
  };
  check(150, 3, 5, 7);
  check(2, 130, 140, 128);
  check(1, 4, 4, 4);
}

TYPED_TEST(gemm_batched_on, explains_itself) {
  const buffer<float> memory(this->executor, 4000);
  const float* in = memory.data_handle();
  const std::string says =
      explain_gemm_batched(this->executor, batch_of(in, 5, 35 * 20, 35, 20, 20), batch_of(in, 5, 0, 20, 70, 70),
                           batch_of(memory.data_handle(), 5, 35 * 70, 35, 70, 70))
          .c_str();
  EXPECT_EQ(says.find("gemm_batched of 5 matrices, each 35 x 70 x 20 (f32) runs gemm_"), 0u) << says;
  EXPECT_EQ(says.find("one for each tile") != std::string::npos, !TypeParam::uses_cpu_kernels) << says;
}

#ifndef __CUDACC__
// ... and the launch has as many blocks.
TEST(gemm_batched, explains_how_k_is_shared) {
  const auto check = [](int count, int m, int n, int k, const std::string& what) {
    std::vector<float> a(static_cast<std::size_t>(count * m * k)), b(static_cast<std::size_t>(k * n)),
        c(static_cast<std::size_t>(count * m * n));
    const auto of_a = batch_of<const float>(a.data(), count, m * k, m, k, k),
               of_b = batch_of<const float>(b.data(), count, 0, k, n, n);
    const auto of_c = batch_of(c.data(), count, m * n, m, n, n);
    launch_report report;
    const virtual_gpu gpu(arch::sm_90, {.report = &report});
    gemm_batched(gpu, of_a, of_b, of_c);
    ASSERT_EQ(report.profiles.size(), 1u);
    const std::string says = explain_gemm_batched(gpu, of_a, of_b, of_c).c_str();
    EXPECT_NE(says.find("; " + std::to_string(report.profiles[0].blocks.x) + what), std::string::npos) << says;
  };
  check(3, 20, 24, 8, " blocks, one for each tile");
  check(1, 20, 24, 8, " block for its tile");
  check(2, 16, 16, 4096, " blocks share its 2 tiles along k, ");
}

/// Touches an element that is `from_here` behind the last one of row 1 of matrix 1.
struct touches : epilogue::step {
  gmem_ptr<float> here;
  int batch_row, last_column, from_here;
  bool writes;

  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane lane, pack<T, N> x, int row, int column) const {
    if (row == batch_row && column == last_column - last_column % N) {  // by the lane whose element comes last
      const auto at = here + from_here;
      if (writes)
        lane.store(at, 9.0f);
      else
        lane.load(at, width<1>);
    }
    return x;
  }
};

// The virtual GPU knows each element of a batch: none is between its rows or its matrices.
TEST(gemm_batched, gaps_of_a_batch_are_out_of_bounds) {
  const int count = 3, m = 4, n = 6, k = 5;
  std::vector<float> a(200, 1.0f), b(200, 1.0f), c(200, 1.0f);
  const auto faults = [&](const std::vector<float>& of, std::int64_t element, int from_here, bool writes) {
    launch_report report;
    touches e;
    e.here = gmem_ptr<float>(const_cast<float*>(of.data()) + element);
    e.batch_row = m + 1, e.last_column = n - 1, e.from_here = from_here, e.writes = writes;
    gemm_batched<small_simt>(virtual_gpu(arch::sm_90, {.report = &report}),
                             batch_of<const float>(a.data(), count, 50, m, 8, k),
                             batch_of<const float>(b.data(), count, 60, k, 8, n),
                             batch_of(c.data(), count, 40, m, 9, n), e);
    std::string all;
    for (const fault& f : report.faults) {
      EXPECT_EQ(f.kind, fault_kind::out_of_bounds) << f.text();
      all += f.text();
    }
    return all;
  };
  const std::int64_t row = 40 + 9 + n - 1;  // the last element of row 1 of matrix 1
  EXPECT_EQ(faults(c, row, 0, false), "");
  EXPECT_NE(faults(c, row, 1, true).find("this address is between its rows or matrices"), std::string::npos);
  EXPECT_NE(faults(c, row, 1, false), "");
  const std::int64_t matrix = 50 + 3 * 8 + k - 1;  // the last element of matrix 1 of A
  EXPECT_EQ(faults(a, matrix, 0, false), "");
  EXPECT_NE(faults(a, matrix, 1, false).find("A has 3 x 4 x 5 elements"), std::string::npos);
  EXPECT_EQ(faults(a, 100, 0, false), "") << "the first element of matrix 2";
  EXPECT_NE(faults(a, 100, -1, false), "");
  EXPECT_EQ(faults(b, 60 + 8, 0, false), "");
  EXPECT_NE(faults(b, 60 + 8, -1, false).find("of B"), std::string::npos);
}
#endif

TYPED_TEST(gemm_batched_on, does_nothing_where_there_is_nothing) {
  const buffer<float> c = this->put(std::vector<float>(12, 7.0f));
  const float* none = nullptr;
  gemm_batched(this->executor, batch_of(none, 0, 4, 2, 2, 2), batch_of(none, 0, 4, 2, 2, 2),
               batch_of(c.data_handle(), 0, 4, 2, 2, 2));
  gemm_batched(this->executor, batch_of(none, 3, 0, 0, 2, 2), batch_of(c.data_handle(), 3, 0, 2, 2, 2),
               batch_of(c.data_handle(), 3, 0, 0, 2, 2));
  EXPECT_EQ(this->get(c), std::vector<float>(12, 7.0f));
  gemm_batched(this->executor, batch_of(none, 3, 0, 2, 0, 0), batch_of(none, 3, 0, 0, 2, 2),
               batch_of(c.data_handle(), 3, 4, 2, 2, 2));
  EXPECT_EQ(this->get(c), std::vector<float>(12, 0.0f)) << "sums of nothing";
}

TYPED_TEST(gemm_batched_on, refuses_what_it_cannot_do) {
  const auto& x = this->executor;
  const auto a = this->put(std::vector<float>(200)), c = this->put(std::vector<float>(200, 7.0f));
  const float* A = a.data_handle();
  float* C = c.data_handle();
  const auto of_a = batch_of(A, 3, 16, 4, 4, 4);
  EXPECT_REFUSED(gemm_batched(x, batch_of(A, 2, 16, 4, 4, 4), of_a, batch_of(C, 3, 16, 4, 4, 4)),
                 "gemm_batched: A has 2 matrices, B 3 and C 3; the numbers must be equal; one matrix for the whole "
                 "batch must have a batch stride of 0");
  EXPECT_REFUSED(gemm_batched(x, of_a, of_a, batch_of(C, 3, 12, 4, 4, 4)),
                 "gemm_batched: C is written, but several of its elements have the same address because of its "
                 "strides 12, 4, 1; each must have its own");
  EXPECT_REFUSED(gemm_batched(x, of_a, of_a, batch_of(C, 3, 0, 4, 4, 4)),
                 "gemm_batched: C is written, but several of its elements have the same address because of its "
                 "strides 0, 4, 1");
  EXPECT_REFUSED(gemm_batched(x, of_a, of_a, batch_of(C, 3, 6, 4, 12, 4)),
                 "gemm_batched: C is written, but several of its elements have the same address because of its "
                 "strides 6, 12, 1");
  EXPECT_REFUSED(gemm_batched(x, of_a, batch_of<const float>(C + 31, 3, 16, 4, 4, 4), batch_of(C, 3, 16, 4, 4, 4)),
                 "gemm_batched: C shares an element with B; the two must not overlap");
  EXPECT_REFUSED(gemm_batched(x, batch_of(A, 3, 16, 4, 4, 5), of_a, batch_of(C, 3, 16, 4, 4, 4)),
                 "gemm_batched: B is 4 x 4; it must be k x n = 5 x 4");
  EXPECT_REFUSED(gemm_batched(x, batch_of(A, 3, -16, 4, 4, 4), of_a, batch_of(C, 3, 16, 4, 4, 4)),
                 "gemm_batched: stride 0 of A is -16; strides must not be negative");
  EXPECT_REFUSED(gemm_batched(x, of_a, of_a, batch_of(C, 3, 16, 4, 0, 4)),
                 "gemm_batched: C is written, but several of its elements have the same address because of its "
                 "strides 16, 0, 1");
  EXPECT_REFUSED(gemm_batched(x, batch_of(A + 20, 3, 16, 4, -4, 4), of_a, batch_of(C, 3, 16, 4, 4, 4)),
                 "gemm_batched: stride 1 of A is -4; strides must not be negative");
  EXPECT_REFUSED(gemm_batched(x, of_a, of_a, batch_of(C, 3, 16, 4, 4, 4), epilogue::residual(matrix(C + 8, 12, 4))),
                 "gemm_batched: C shares an element with the epilogue's residual; the two must not overlap");
  EXPECT_REFUSED(gemm_batched(x, of_a, of_a, batch_of(C, 3, 16, 4, 4, 4), epilogue::residual(matrix(A, 4, 4))),
                 "gemm_batched: the epilogue's residual is 4 x 4; it must be m x n = 12 x 4");
  EXPECT_REFUSED(gemm_batched(x, of_a, of_a, batch_of<float>(nullptr, 3, 16, 4, 4, 4)),
                 "gemm_batched: C is a null view");
  EXPECT_TRUE(validate(x, [&](const auto& e) { gemm_batched(e, of_a, of_a, batch_of(C, 3, 12, 4, 4, 4)); }));
  EXPECT_FALSE(validate(x, [&](const auto& e) { gemm_batched(e, of_a, of_a, batch_of(C, 3, 16, 4, 4, 4)); }));
  EXPECT_EQ(this->get(c), std::vector<float>(200, 7.0f)) << "nothing was written";
}

}  // namespace
