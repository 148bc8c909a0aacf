// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The GEMM op with the element types of the tensor cores: tf32, fp8, s8, and float through tf32, against sums in
// double, through the default call. Layouts, scales, edges, refusals, on each executor; gemm_pairs_test has what these
// types are with epilogues and schedules.
#include "tests/gemm_reference.hpp"
#include "tests/layouts.hpp"

#include <tilery/gemm.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// n elements that T holds exactly.
template <class T>
std::vector<T> drawn(std::size_t n) {
  std::vector<T> values(n);
  for (T& v : values) {
    if constexpr (std::is_same_v<T, int8>)
      v = static_cast<int8>(draw(-128, 127));
    else
      v = convert<T>(static_cast<accumulator_t<T>>(draw(-1000, 1000) / 1000.0));
  }
  return values;
}

template <class Executor>
class gemm_types_on : public on_executor<Executor> {
public:
  static constexpr layout both[2] = {layout::dense, layout::column_major};

  bool has_tensor_cores(features needs) const {
    return Executor::uses_cpu_kernels || has_features(this->executor.target(), needs);
  }

  /// C = scale_c (alpha scale_a scale_b A B + beta C). `cut` is the relative error of an operand.
  template <class T, class U, class R, class Call>
  void check(int m, int n, int k, layout a_layout, layout b_layout, gemm_factors f, double cut, const Call& call) {
    const auto a_values = drawn<T>(static_cast<std::size_t>(m) * k);
    const auto b_values = drawn<U>(static_cast<std::size_t>(k) * n);
    const auto c_values = drawn<R>(static_cast<std::size_t>(m) * n);
    const auto a = place(*this, a_values, m, k, a_layout);
    const auto b = place(*this, b_values, k, n, b_layout);
    const auto c = place(*this, c_values, m, n, layout::dense);
    call(a.read(), b.read(), c.view, f);
    const auto got = this->get(c.memory);
    worst_error worst;
    const double alpha = f.alpha * (f.scale_a == 0 ? 1 : f.scale_a) * (f.scale_b == 0 ? 1 : f.scale_b);
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        const exact_product exact(a_values, b_values, n, k, i, j);
        const double old = f.beta * as_double(c_values[i * n + j]);
        const double want = f.scale_c * (alpha * exact.sum + old);
        const bool whole = std::is_same_v<R, std::int32_t>;
        const double unit = 0x1p-22;
        const double half_step =
            std::is_same_v<R, fp8_e4m3> || std::is_same_v<R, fp8_e5m2>             ? std::fabs(want) * 0x1p-3 + 0x1p-9
            : std::is_same_v<R, float> || std::is_same_v<R, tf32> || sizeof(R) > 2 ? 0
                                                                                   : std::fabs(want) * 0x1p-8 + 0x1p-24;
        const double bound = whole
                                 ? 0.5
                                 : std::fabs(f.scale_c) * (((k + 2) * unit + cut) * exact.magnitude * std::fabs(alpha) +
                                                           4 * unit * (std::fabs(old) + std::fabs(want))) +
                                       half_step * (1 + 0x1p-20);
        worst.compare(as_double(got[i * n + j]), want, bound);
      }
    EXPECT_LE(worst.value(), 1) << m << " x " << n << " x " << k << " " << element<T>::name << " x " << element<U>::name
                                << " -> " << element<R>::name << ", A " << name_of(a_layout) << ", B "
                                << name_of(b_layout);
  }

  /// Through the default call: sizes that the aligned kernels take, and odd ones.
  template <class T, class U, class R>
  void default_call(gemm_factors f, double cut = 0) {
    const auto call = [&](const auto& a, const auto& b, const auto& c, gemm_factors g) {
      gemm(this->executor, a, b, c, epilogue::none{}, g);
    };
    for (const layout a : both)
      for (const layout b : both) check<T, U, R>(80, 96, 160, a, b, f, cut, call);
    for (const layout a : both)
      for (const layout b : both) check<T, U, R>(67, 35, 45, a, b, f, cut, call);
    check<T, U, R>(3, 70, 1, layout::column_major, layout::dense, f, cut, call);
    for (int i = 0; i < 3; ++i)
      check<T, U, R>(draw(1, 90), draw(1, 90), draw(0, 150), both[draw(0, 1)], both[draw(0, 1)], f, cut, call);
    for (const layout l : both) {
      check<T, U, R>(9, 144, 160, layout::odd, l, f, cut, call);
      check<T, U, R>(144, 16, 160, l, layout::dense, f, cut, call);
    }
  }

  /// The same for two candidates alone, where other result types are to be seen: small row-major operands, and odd
  /// ones.
  template <class T, class U, class R>
  void two_candidates(gemm_factors f) {
    const auto with = [&]<int Index>() {
      return [&](const auto& a, const auto& b, const auto& c, gemm_factors g) {
        if constexpr (Executor::uses_cpu_kernels)
          gemm(this->executor, a, b, c, epilogue::none{}, g);
        else
          gemm<gemm_mma_sync_table<T>::candidates[Index]>(this->executor, a, b, c, epilogue::none{}, g);
      };
    };
    check<T, U, R>(80, 96, 160, layout::dense, layout::dense, f, 0,
                   with.template operator()<gemm_mma_sync_table<T>::small>());
    check<T, U, R>(67, 35, 45, layout::dense, layout::column_major, f, 0,
                   with.template operator()<gemm_mma_sync_table<T>::strided>());
  }
};
TYPED_TEST_SUITE(gemm_types_on, executors);

TYPED_TEST(gemm_types_on, multiplies_tf32) {
  this->template default_call<tf32, tf32, float>({.alpha = -0.5, .beta = 2}, 0x1p-9);
}

TYPED_TEST(gemm_types_on, multiplies_fp8_of_both_kinds_with_scales) {
  if (!this->has_tensor_cores(features::mma_fp8)) GTEST_SKIP() << "fp8 needs sm_89 or later";
  this->template default_call<fp8_e4m3, fp8_e4m3, float>({.alpha = 2, .beta = 1, .scale_a = 0.5, .scale_b = 4});
  this->template two_candidates<fp8_e5m2, fp8_e4m3, half>({.scale_a = 1, .scale_b = 1});
}

TYPED_TEST(gemm_types_on, multiplies_s8_into_exact_sums) {
  this->template default_call<int8, int8, std::int32_t>({.alpha = 3, .beta = -2});
}

constexpr gemm_mma_sync_policy with_copies_of(gemm_mma_sync_policy p, int elements) {
  p.vector = elements, p.k_parts = 1;
  return p;
}
// Rows that are aligned for 8, 4 or 2 bytes: copies of as many, or element by element.
TYPED_TEST(gemm_types_on, takes_bytes_of_less_alignment) {
  if (!this->has_tensor_cores(features::mma_s8)) GTEST_SKIP() << "tensor cores need sm_80 or later";
  const auto with = [&]<int Elements>() {
    return [&](const auto& a, const auto& b, const auto& c, gemm_factors f) {
      if constexpr (TypeParam::uses_cpu_kernels)
        gemm(this->executor, a, b, c, epilogue::none{}, f);
      else
        gemm<with_copies_of(gemm_mma_sync_table<int8>::candidates[gemm_mma_sync_table<int8>::small],
                            Elements)>(this->executor, a, b, c, epilogue::none{}, f);
    };
  };
  const layout row_major = layout::dense, column_major = layout::column_major;
  this->template check<int8, int8, std::int32_t>(72, 40, 136, row_major, row_major, {}, 0,
                                                 with.template operator()<8>());
  this->template check<int8, int8, std::int32_t>(72, 40, 136, column_major, column_major, {}, 0,
                                                 with.template operator()<8>());
  this->template check<int8, int8, std::int32_t>(68, 36, 132, row_major, column_major, {}, 0,
                                                 with.template operator()<4>());
  this->template check<int8, int8, std::int32_t>(70, 36, 130, column_major, row_major, {}, 0,
                                                 with.template operator()<2>());
}

// The activations and gradients of a training loop, stored in fewer bits than they are computed with, or in more.
TYPED_TEST(gemm_types_on, writes_other_types_than_it_reads) {
  if (!this->has_tensor_cores(features::mma_f16 | features::mma_s8)) GTEST_SKIP() << "tensor cores need sm_80 or later";
  this->template two_candidates<bf16, bf16, fp8_e4m3>({.scale_c = 2});
  this->template two_candidates<bf16, bf16, half>({.beta = 1});
  this->template two_candidates<half, half, fp8_e5m2>({.alpha = 0.5});
  this->template two_candidates<int8, int8, bf16>({.scale_a = 0.01, .scale_b = 0.02});
}

TYPED_TEST(gemm_types_on, refuses_scales_that_are_missing_or_wrong) {
  if (!this->has_tensor_cores(features::mma_fp8)) GTEST_SKIP() << "fp8 needs sm_89 or later";
  const auto& x = this->executor;
  const auto a = place(*this, drawn<fp8_e4m3>(16), 4, 4, layout::dense);
  const auto c = place(*this, std::vector<float>(16, 7.0f), 4, 4, layout::dense);
  const epilogue::none none;
  EXPECT_REFUSED(
      gemm(x, a.read(), a.read(), c.view),
      "gemm: scale_a is 0; fp8_e4m3 operands must have a positive, finite factor, by which their elements are "
      "multiplied");
  EXPECT_REFUSED(gemm(x, a.read(), a.read(), c.view, none, {.scale_a = 1, .scale_b = -2}),
                 "gemm: scale_b is -2; fp8_e4m3");
  EXPECT_REFUSED(gemm(x, a.read(), a.read(), c.view, none, {.scale_a = NAN, .scale_b = 1}), "gemm: scale_a is nan");
  EXPECT_REFUSED(gemm(x, a.read(), a.read(), c.view, none, {.scale_a = INFINITY, .scale_b = 1}),
                 "gemm: scale_a is inf");
  EXPECT_REFUSED(gemm(x, a.read(), a.read(), c.view, none, {.scale_a = 1e30, .scale_b = 1e10}),
                 "gemm: alpha times scale_a and scale_b is 1e+40; it must be a finite f32");
  EXPECT_REFUSED(gemm(x, a.read(), a.read(), c.view, none, {.scale_a = 1, .scale_b = 1, .scale_c = INFINITY}),
                 "gemm: scale_c is inf; it must be positive and finite");
  EXPECT_REFUSED(gemm(x, a.read(), a.read(), c.view, none, {.scale_a = 1, .scale_b = 1, .scale_c = 2}),
                 "gemm: scale_c is for a C of 8 bits; this one is f32");
  const auto s = place(*this, drawn<int8>(16), 4, 4, layout::dense);
  const auto sums = place(*this, std::vector<std::int32_t>(16), 4, 4, layout::dense);
  EXPECT_REFUSED(gemm(x, s.read(), s.read(), sums.view, none, {.alpha = 0.5}),
                 "gemm: alpha and beta must be whole numbers of 32 bits where C is s32; they are 0.5 and 0");
  for (const double factor : {double{NAN}, 0x1p31, -1e20})
    EXPECT_REFUSED(gemm(x, s.read(), s.read(), sums.view, none, {.alpha = factor}),
                   "gemm: alpha and beta must be whole numbers of 32 bits where C is s32");
  EXPECT_REFUSED(gemm(x, s.read(), s.read(), sums.view, none, {.scale_a = 2}),
                 "gemm: a C of s32 holds the sums themselves; scales need a C of f32 or s8");
  const auto f = place(*this, drawn<float>(16), 4, 4, layout::dense);
  EXPECT_REFUSED(gemm(x, f.read(), f.read(), c.view, none, {.scale_a = 2}),
                 "gemm: scale_a and scale_b are for fp8 and s8; f32 has alpha");
  EXPECT_EQ(gather(*this, c), std::vector<float>(16, 7.0f)) << "nothing was written";
}

// A C of s32 holds whole numbers: a factor of an epilogue that is none is refused, as alpha and beta are. With whole
// factors the result is exact.
TYPED_TEST(gemm_types_on, epilogues_have_whole_factors_where_c_is_s32) {
  if (!this->has_tensor_cores(atoms::mma_shape<int8, int8>::needs)) GTEST_SKIP() << "no tensor cores for s8";
  const auto& x = this->executor;
  const auto values = drawn<int8>(16);
  const std::vector<std::int32_t> added = {1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12, 13, -14, 15, -16};
  const auto a = place(*this, values, 4, 4, layout::dense), b = place(*this, values, 4, 4, layout::dense);
  const auto r = place(*this, added, 4, 4, layout::dense);
  const auto c = place(*this, std::vector<std::int32_t>(16, 7), 4, 4, layout::dense);
  const auto call = [&](double scale, double residual) {
    gemm(x, a.read(), b.read(), c.view, epilogue::scale(scale) | epilogue::residual(r.read(), residual));
  };
  EXPECT_REFUSED(call(0.5, 1),
                 "gemm: the epilogue's scale: its factor is 0.5; it must be a whole number of 32 bits, "
                 "because C is s32");
  EXPECT_REFUSED(call(2, -1.25),
                 "gemm: the epilogue's residual: its factor is -1.25; it must be a whole number of 32 "
                 "bits, because C is s32");
  EXPECT_REFUSED(call(0x1p31, 1), "gemm: the epilogue's scale: its factor is 2147483648; it must be a whole number");
  EXPECT_EQ(gather(*this, c), std::vector<std::int32_t>(16, 7)) << "nothing was written";
  call(-3, 2);
  std::vector<std::int32_t> want(16);
  for (int i = 0; i < 16; ++i) {
    std::int32_t sum = 0;
    for (int k = 0; k < 4; ++k) sum += values[i / 4 * 4 + k] * values[k * 4 + i % 4];
    want[i] = -3 * sum + 2 * added[i];
  }
  EXPECT_EQ(gather(*this, c), want);
}

#ifndef __CUDACC__
TEST(gemm_types, are_refused_on_archs_that_lack_them) {
  std::vector<fp8_e4m3> a(16);
  std::vector<float> c(16);
  const auto A = matrix(static_cast<const fp8_e4m3*>(a.data()), 4, 4);
  const gemm_factors ones{.scale_a = 1, .scale_b = 1};
  const std::string without_fp8 =
      "gemm: fp8_e4m3 needs the tensor cores of sm_89 or later; this device is an sm_80: convert the operands to half";
  EXPECT_REFUSED(gemm(virtual_gpu(arch::sm_80), A, A, matrix(c.data(), 4, 4), epilogue::none{}, ones), without_fp8);
  constexpr gemm_mma_sync_policy any =
      gemm_mma_sync_table<fp8_e4m3>::candidates[gemm_mma_sync_table<fp8_e4m3>::strided];
  EXPECT_REFUSED(gemm<any>(virtual_gpu(arch::sm_80), A, A, matrix(c.data(), 4, 4), epilogue::none{}, ones),
                 without_fp8);
  std::vector<int8> whole(16);
  std::vector<std::int32_t> sums(16);
  const auto W = matrix(static_cast<const int8*>(whole.data()), 4, 4);
  EXPECT_REFUSED(gemm(virtual_gpu(arch::sm_75), W, W, matrix(sums.data(), 4, 4)),
                 "gemm: s8 needs the tensor cores of sm_80 or later; this device is an sm_75: convert the operands to "
                 "half");
  std::vector<tf32> x(16);
  const auto X = matrix(static_cast<const tf32*>(x.data()), 4, 4);
  EXPECT_REFUSED(gemm(virtual_gpu(arch::sm_75), X, X, matrix(c.data(), 4, 4)),
                 "gemm: tf32 needs the tensor cores of sm_80 or later; this device is an sm_75: take the operands as "
                 "float");
}
#endif

#ifndef __CUDACC__
// 4096 products of 1.875^2, of 11.1 in binary with 6 bits behind it. sm_89 adds fp8 with 13 bits: in one sum of 14400
// each product would lose half of itself; in sums of 128 along k each loses 2^-6 at most.
TEST(gemm_types, fp8_on_sm_89_loses_no_more_along_a_long_k) {
  const int m = 16, n = 16, k = 4096;
  std::vector<fp8_e4m3> a(std::size_t{m} * k, convert<fp8_e4m3>(1.875f)),
      b(std::size_t{n} * k, convert<fp8_e4m3>(1.875f));
  std::vector<float> c(std::size_t{m} * n);
  const virtual_gpu gpu(arch::sm_89, {.exact_tensor_cores = true});
  constexpr auto alone = [] {
    gemm_mma_sync_policy p = gemm_mma_sync_table<fp8_e4m3>::candidates[gemm_mma_sync_table<fp8_e4m3>::small];
    p.k_parts = 1;
    return p;
  }();
  gemm<alone>(gpu, matrix(a.data(), m, k), transposed(matrix(b.data(), n, k)), matrix(c.data(), m, n), epilogue::none{},
              {.scale_a = 1, .scale_b = 1});
  const double want = k * 1.875 * 1.875;
  for (const float sum : c) ASSERT_NEAR(sum, want, want * 0x1p-7);
  EXPECT_LT(c[0], want) << "sums of 13 bits are cut, or the exact model was not asked";
}
#endif

// --- float through tf32: policies of the caller

template <class Executor>
class gemm_tf32_on : public gemm_types_on<Executor> {};
TYPED_TEST_SUITE(gemm_tf32_on, gpus);

constexpr gemm_mma_sync_policy fast{.block = {64, 64, 32},
                                    .warp = {32, 32},
                                    .stages = 3,
                                    .vector = 4,
                                    .math = multiply_as::tf32};
constexpr gemm_mma_sync_policy exact{.block = {64, 64, 32},
                                     .warp = {32, 32},
                                     .stages = 3,
                                     .b = along::k,
                                     .vector = 4,
                                     .math = multiply_as::tf32x3};
constexpr gemm_mma_sync_policy exact_column_major{.block = {64, 64, 32},
                                                  .warp = {32, 32},
                                                  .stages = 2,
                                                  .a = along::outer,
                                                  .vector = 4,
                                                  .math = multiply_as::tf32x3};

TYPED_TEST(gemm_tf32_on, multiplies_float_near_tf32_and_near_float) {
  const auto with = [&]<auto P>() {
    return [&](const auto& a, const auto& b, const auto& c, gemm_factors f) {
      gemm<P>(this->executor, a, b, c, epilogue::none{}, f);
    };
  };
  const gemm_factors f{.alpha = 0.5, .beta = 1};
  const layout d = layout::dense, t = layout::column_major;
  this->template check<float, float, float>(136, 72, 44, d, d, f, 0x1p-9, with.template operator()<fast>());
  this->template check<float, float, float>(136, 72, 44, d, t, f, 0x1p-20, with.template operator()<exact>());
  this->template check<float, float, float>(136, 72, 44, t, d, f, 0x1p-20,
                                            with.template operator()<exact_column_major>());
}

// Infinity times a small part that is 0 is NaN, as documented; a NaN stays in its row, also one of low bits alone.
TYPED_TEST(gemm_tf32_on, of_three_products_makes_nan_of_infinity_and_nan) {
  std::vector<float> a(64 * 32, 1.0f), b(32 * 64, 0.5f);
  a[32 * 3] = INFINITY, a[32 * 5 + 7] = NAN,
         a[32 * 9 + 1] = reinterpret<float>(0x7f800001u);  // a NaN of low bits alone
  const auto on_a = this->put(a), on_b = this->put(b), on_c = this->put(std::vector<float>(64 * 64));
  gemm<exact>(this->executor, matrix(on_a.data_handle(), 64, 32), transposed(matrix(on_b.data_handle(), 64, 32)),
              matrix(on_c.data_handle(), 64, 64));
  const auto c = this->get(on_c);
  for (int j = 0; j < 64; ++j) {
    EXPECT_TRUE(std::isnan(c[64 * 3 + j]) && std::isnan(c[64 * 5 + j]) && std::isnan(c[64 * 9 + j])) << j;
    EXPECT_EQ(c[64 * 4 + j], 16);
  }
}

}  // namespace
