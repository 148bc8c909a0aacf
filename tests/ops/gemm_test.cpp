// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The GEMM op against a double reference: types, layouts, factors, epilogues, edges, refusals, on each executor.
#include "tests/gemm_reference.hpp"
#include "tests/layouts.hpp"

#include <tilery/gemm.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// A user's epilogue: it knows where it is.
struct checkerboard : epilogue::step {
  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane, pack<T, N> x, int row, int column) const {
    for (int i = 0; i < N; ++i) x.set(i, (row + column + i) % 2 ? -x[i] : x[i]);
    return x;
  }
};

template <class Executor>
class gemm_on : public on_executor<Executor> {
public:
  struct shape {
    int m, n, k;
  };

  /// The documented error of a sum: tensor cores cut where others round.
  template <class T>
  static constexpr double unit = sizeof(T) == 2 && !Executor::uses_cpu_kernels ? 0x1p-22
                                                                               : unit_roundoff<accumulator_t<T>>();
  /// Of a sum of k products before it is stored.
  template <class T>
  static double bound(int k, double magnitude) {
    return (k + 2) * unit<T> * magnitude;
  }

  /// C = finish(row, column, alpha A B + beta C), checked to the documented bound; `slope` bounds the finish's
  /// derivative.
  template <class T, class R, class Epilogue, class Finish>
  void check(shape s, layout a_layout, layout b_layout, layout c_layout, gemm_factors f, const Epilogue& e,
             Finish finish, double slope = 1) {
    using S = accumulator_t<T>;
    const auto a_values = draw_values<T>(static_cast<std::size_t>(s.m) * s.k),
               b_values = draw_values<T>(static_cast<std::size_t>(s.k) * s.n);
    auto c_values = draw_values<R>(static_cast<std::size_t>(s.m) * s.n);
    if (f.beta == 0) c_values[0] = convert<R>(static_cast<accumulator_t<R>>(NAN));
    const auto a = place(*this, a_values, s.m, s.k, a_layout), b = place(*this, b_values, s.k, s.n, b_layout);
    const auto c = place(*this, c_values, s.m, s.n, c_layout);
    run(a.read(), b.read(), c.view, e, f);
    const auto got = gather(*this, c);
    worst_error worst;
    for (int i = 0; i < s.m; ++i)
      for (int j = 0; j < s.n; ++j) {
        const exact_product exact(a_values, b_values, s.n, s.k, i, j);
        const double old = f.beta == 0 ? 0 : f.beta * as_double(c_values[i * s.n + j]);
        const double want = finish(i, j, f.alpha * exact.sum + old);
        const double error = (bound<T>(s.k, exact.magnitude) * std::fabs(f.alpha) +
                              4 * unit_roundoff<S>() * (std::fabs(old) + std::fabs(want))) *
                                 slope +
                             (std::is_same_v<R, S> ? 0 : unit_roundoff<R>() * std::fabs(want) + 0x1p-25);
        worst.compare(as_double(got[i * s.n + j]), want, error);
      }
    EXPECT_LE(worst.value(), 1) << s.m << " x " << s.n << " x " << s.k << " " << element<T>::name << ", A "
                                << name_of(a_layout) << ", B " << name_of(b_layout) << ", C " << name_of(c_layout)
                                << ", alpha " << f.alpha << ", beta " << f.beta << "; "
                                << explain_gemm(this->executor, a.view, b.view, c.view);
  }

  template <class T, class R = T>
  void plain(shape s, layout a, layout b, layout c, gemm_factors f = {}) {
    check<T, R>(s, a, b, c, f, epilogue::none{}, [](int, int, double x) { return x; });
  }

  template <class T>
  static constexpr auto gpu_table() {
    if constexpr (sizeof(T) == 2)
      return gemm_mma_sync_table<T>{};
    else
      return gemm_simt_table<T>{};
  }

  /// gemm. With an epilogue the shapes must be small, row-major ones, or those of the table's last candidate, and only
  /// these two are compiled: behind the sums the kernels of all layouts are one text.
  template <class A, class C, class Epilogue>
  void run(const A& a, const A& b, const C& c, const Epilogue& e, gemm_factors f) {
    if constexpr (std::is_same_v<Epilogue, epilogue::none>) {
      gemm(this->executor, a, b, c, e, f);
    } else {
      using T = std::remove_const_t<element_type_of<A>>;
      using table = std::conditional_t<Executor::uses_cpu_kernels, gemm_cpu_table<T>, decltype(gpu_table<T>())>;
      constexpr int last = static_cast<int>(std::size(table::candidates)) - 1, first = last > 3 ? 3 : 0;
      const int chosen = table::choose(ops::describe_gemm(a, b, c, this->executor.target())).index;
      ASSERT_TRUE(chosen == first || chosen == last) << chosen;
      if (chosen == first)
        gemm<table::candidates[first]>(this->executor, a, b, c, e, f);
      else
        gemm<table::candidates[last]>(this->executor, a, b, c, e, f);
    }
  }

  shape drawn(int most) { return {draw(1, most), draw(1, most), draw(1, most)}; }
};
TYPED_TEST_SUITE(gemm_on, executors);

// dense and column_major operands of sizes that packs divide: NN, NT, TN, TT through the aligned kernels
TYPED_TEST(gemm_on, is_right_for_each_layout_of_aligned_operands) {
  for_types<double, float, half, bf16>([&]<class T>() {
    for (const layout a : {layout::dense, layout::column_major})
      for (const layout b : {layout::dense, layout::column_major}) {
        this->template plain<T>({136, 72, 40}, a, b, layout::dense);
        this->template plain<T, accumulator_t<T>>({128, 128, 64}, a, b, layout::dense, {.alpha = -1.5, .beta = 0.5});
      }
  });
}

TYPED_TEST(gemm_on, is_right_for_any_strides_and_sizes) {
  for (int i = 0; i < 12; ++i) {
    const auto pick = [] { return layouts[draw(0, 4)]; };
    this->template plain<float>(this->drawn(150), pick(), pick(), pick(), {.alpha = 0.5, .beta = draw(0, 1) * 2.0});
    this->template plain<double>(this->drawn(70), pick(), pick(), pick(), {.beta = 1});
    this->template plain<half>(this->drawn(70), pick(), pick(), pick());
    this->template plain<bf16, float>(this->drawn(70), pick(), pick(), pick(), {.beta = -1});
  }
}

// The stride of a dimension of one says nothing about alignment, whatever it is.
TYPED_TEST(gemm_on, takes_any_stride_of_a_single_row_or_column) {
  using shape = typename TestFixture::shape;
  for_types<double, float, half>([&]<class T>() {
    for (const auto& [m, n, k] :
         {shape{1, 64, 64}, shape{64, 1, 64}, shape{64, 64, 1}, shape{1, 1, 64}, shape{1, 64, 1}})
      for (const int stride : {0, 1, 65}) {
        SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k << " " << element<T>::name << ", " << stride);
        const auto a = this->put(draw_values<T>(static_cast<std::size_t>(m) * k)),
                   b = this->put(draw_values<T>(static_cast<std::size_t>(k) * n));
        const auto c = this->put(std::vector<accumulator_t<T>>(static_cast<std::size_t>(m) * n));
        for (const bool columns : {false, true}) {  // row-major or column-major, where there is more than one of both
          matrix_view<const T> left = matrix<const T>(a.data_handle(), m, k),
                               right = matrix<const T>(b.data_handle(), k, n);
          if (columns) left.strides[0] = 1, left.strides[1] = m, right.strides[0] = 1, right.strides[1] = k;
          for (auto* v : {&left, &right})
            for (int i = 0; i < 2; ++i)
              if (v->extents[i] == 1) v->strides[i] = stride;
          gemm(this->executor, left, right, matrix(c.data_handle(), m, n));
          const auto got = this->get(c);
          const auto from_a = this->get(a), from_b = this->get(b);
          worst_error worst;
          for (int i = 0; i < m; ++i)
            for (int j = 0; j < n; ++j) {
              double sum = 0, magnitude = 0;
              for (int x = 0; x < k; ++x) {
                const double product = as_double(from_a[i * left.strides[0] + x * left.strides[1]]) *
                                       as_double(from_b[x * right.strides[0] + j * right.strides[1]]);
                sum += product, magnitude += std::fabs(product);
              }
              worst.compare(as_double(got[i * n + j]), sum, TestFixture::template bound<T>(k, magnitude));
            }
          EXPECT_LE(worst.value(), 1);
        }
      }
  });
}

TYPED_TEST(gemm_on, is_right_at_the_edges_of_its_tiles) {
  for (const int m : {1, 63, 65, 129})
    for (const int n : {1, 64, 132})
      for (const int k : {1, 8, 33})
        this->template plain<float>({m, n, k}, layout::dense, layout::dense, layout::dense);
  this->template plain<float>({132, 260, 20}, layout::dense, layout::dense, layout::dense);
  this->template plain<float>({1100, 68, 12}, layout::dense, layout::dense, layout::dense);  // a second band of tiles
}

// A chain and a step of the user's own by the default call; gemm_pairs_test has each step with each of the rest.
TYPED_TEST(gemm_on, finishes_with_epilogues) {
  using shape = typename gemm_on<TypeParam>::shape;
  const auto bias_values = draw_values<float>(136);
  const auto bias_vector = this->put(bias_values);
  const auto gelu = [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); };
  for (const shape s : {shape{68, 136, 24}, shape{19, 136, 5}}) {
    const layout d = layout::dense;
    this->template check<float, float>(
        s, d, d, d, {.beta = 1}, epilogue::bias(bias_vector) | epilogue::gelu(),
        [&](int, int j, double x) { return gelu(x + bias_values[j]); }, 2);
    this->template check<half, half>(s, d, d, d, {}, epilogue::bias(bias_vector) | checkerboard{},
                                     [&](int i, int j, double x) {
                                       return ((i + j) % 2 ? -1 : 1) * (x + bias_values[j]);
                                     });
  }
}

TYPED_TEST(gemm_on, of_an_empty_sum_still_finishes) {
  const auto c = place(*this, std::vector<float>{1, 2, 3, 4}, 2, 2, layout::dense);
  gemm(this->executor, matrix<float>(nullptr, 2, 0), matrix<float>(nullptr, 0, 2), c.view, epilogue::scale(3),
       {.beta = 2});
  EXPECT_EQ(gather(*this, c), (std::vector<float>{6, 12, 18, 24}));
  gemm(this->executor, matrix<float>(nullptr, 0, 5), matrix<float>(nullptr, 5, 0), matrix<float>(nullptr, 0, 0));
}

// The rule of BLAS: NaN and infinity in A and B must not reach C. Shapes of every kernel: square, few rows or columns,
// few tiles and a long k.
TYPED_TEST(gemm_on, does_not_read_a_and_b_where_alpha_is_0) {
  using shape = typename TestFixture::shape;
  for_types<double, float, half, bf16>([&]<class T>() {
    using S = accumulator_t<T>;
    for (const auto& [m, n, k] :
         {shape{33, 40, 20}, shape{64, 128, 64}, shape{1, 70, 600}, shape{130, 3, 520}, shape{32, 32, 2100}})
      for (const layout how : {layout::dense, layout::column_major, layout::spread})
        for (const double beta : {0.0, 0.5}) {
          const auto a = place(*this, std::vector<T>(m * k, convert<T>(S(NAN))), m, k, how),
                     b = place(*this, std::vector<T>(k * n, convert<T>(S(INFINITY))), k, n, how),
                     c = place(*this, std::vector<T>(m * n, convert<T>(S(beta == 0 ? NAN : 3))), m, n, how);
          gemm(this->executor, a.read(), b.read(), c.view, {}, {.alpha = 0, .beta = beta});
          worst_error worst;
          for (const T got : gather(*this, c)) worst.add(std::fabs(as_double(got) - 3 * beta));
          EXPECT_EQ(worst.value(), 0) << m << " x " << n << " x " << k << " " << element<T>::name << " " << name_of(how)
                                      << ", beta " << beta;
        }
  });
}

TYPED_TEST(gemm_on, propagates_nan_and_infinity) {
  auto a = draw_values<float>(66 * 8), b = draw_values<float>(8 * 68);
  a[8 * 3 + 2] = NAN, a[8 * 40] = INFINITY;
  const auto x = place(*this, a, 66, 8, layout::dense), y = place(*this, b, 8, 68, layout::dense),
             z = place(*this, std::vector<float>(66 * 68), 66, 68, layout::dense);
  gemm(this->executor, x.view, y.view, z.view);
  const auto got = gather(*this, z);
  for (int j = 0; j < 68; ++j) {
    EXPECT_TRUE(std::isnan(got[3 * 68 + j]));
    EXPECT_TRUE(std::isinf(got[40 * 68 + j]));
    EXPECT_TRUE(std::isfinite(got[41 * 68 + j]));
  }
}

TYPED_TEST(gemm_on, gives_the_same_bits_each_time) {
  const auto a = place(*this, draw_values<float>(130 * 70), 130, 70, layout::dense),
             b = place(*this, draw_values<float>(70 * 90), 70, 90, layout::dense);
  const auto c = place(*this, std::vector<float>(130 * 90), 130, 90, layout::dense);
  gemm(this->executor, a.view, b.view, c.view);
  const auto first = gather(*this, c);
  gemm(this->executor, a.view, b.view, c.view);
  EXPECT_EQ(first, gather(*this, c));
}

TYPED_TEST(gemm_on, refuses_bad_input_before_it_launches) {
  const auto a = place(*this, draw_values<float>(12), 3, 4, layout::dense),
             b = place(*this, draw_values<float>(20), 4, 5, layout::dense);
  const auto c = place(*this, std::vector<float>(15, 7.0f), 3, 5, layout::dense);
  const auto& x = this->executor;
  EXPECT_REFUSED(gemm(x, a.view, b.view, matrix(c.view.pointer, 2, 5)),
                 "gemm: A is 3 x 4; it must have the m = 2 rows of C");
  EXPECT_REFUSED(gemm(x, a.view, transposed(b.view), c.view),
                 "gemm: B is 5 x 4; it must be k x n = 4 x 5, the columns of A by the columns of C");
  EXPECT_REFUSED(gemm(x, a.view, matrix<float>(nullptr, 4, 5), c.view),
                 "B is a null view of size 4 x 5; it must point to its elements");
  EXPECT_REFUSED(gemm(x, matrix(c.view.pointer, 3, 4), b.view, c.view),
                 "gemm: C shares an element with A; the two must not overlap");
  EXPECT_REFUSED(gemm(x, a.view, b.view, c.view, epilogue::bias(vector(a.view.pointer, 4))),
                 "gemm: the epilogue's bias has 4 elements; it must have n = 5");
  EXPECT_REFUSED(gemm(x, a.view, b.view, c.view, epilogue::bias(vector(c.view.pointer, 5))),
                 "gemm: C shares an element with the epilogue's bias; the two must not overlap");
  EXPECT_REFUSED(gemm(x, a.view, b.view, c.view, {}, {.alpha = NAN}), "gemm: alpha is nan; it must be a finite f32");
  EXPECT_REFUSED(gemm(x, a.view, b.view, c.view, {}, {.beta = -1e39}), "gemm: beta is -1e+39; it must be a finite f32");
  EXPECT_EQ(gather(*this, c), std::vector<float>(15, 7.0f)) << "nothing was written";
}

// check_strides (core/operand_checks.hpp) refuses a negative stride in every operand. A dimension without a second
// element may have any stride.
TYPED_TEST(gemm_on, refuses_negative_strides) {
  const auto a = place(*this, draw_values<float>(12), 3, 4, layout::dense),
             b = place(*this, draw_values<float>(20), 4, 5, layout::dense);
  const auto c = place(*this, std::vector<float>(15, 7.0f), 3, 5, layout::dense);
  const auto upside_down = [](auto view) {
    view.pointer += (view.extents[0] - 1) * view.strides[0], view.strides[0] *= -1;
    return view;
  };
  const auto& x = this->executor;
  EXPECT_REFUSED(gemm(x, upside_down(a.view), b.view, c.view),
                 "gemm: stride 0 of A is -4; strides must not be negative");
  EXPECT_REFUSED(gemm(x, a.view, transposed(upside_down(transposed(b.view))), c.view),
                 "gemm: stride 1 of B is -1; strides must not be negative");
  EXPECT_REFUSED(gemm(x, a.view, b.view, upside_down(c.view)),
                 "gemm: stride 0 of C is -5; strides must not be negative");
  auto bias = vector(b.view.pointer + 4, 5);
  bias.strides[0] = -1;
  EXPECT_REFUSED(gemm(x, a.view, b.view, c.view, epilogue::bias(bias)),
                 "gemm: the stride of the epilogue's bias is -1; strides must not be negative");
  EXPECT_EQ(gather(*this, c), std::vector<float>(15, 7.0f)) << "nothing was written";
}

// --- policies of the SIMT kernel

template <class Executor>
class gemm_simt_on : public on_executor<Executor> {};
TYPED_TEST_SUITE(gemm_simt_on, gpus);

constexpr gemm_simt_policy mine{.block = {32, 64, 4}, .lane = {8, 8}, .vector = 4};
constexpr gemm_simt_policy three_packs_of_k{.block = {32, 64, 12}, .lane = {8, 8}, .vector = 4};

TYPED_TEST(gemm_simt_on, runs_the_callers_policy_or_says_why_not) {
  const auto a = place(*this, draw_values<float>(40 * 12), 40, 12, layout::dense),
             b = place(*this, draw_values<float>(12 * 72), 12, 72, layout::dense);
  const auto c = place(*this, std::vector<float>(40 * 72), 40, 72, layout::dense),
             want = place(*this, std::vector<float>(40 * 72), 40, 72, layout::dense);
  gemm<mine>(this->executor, a.view, b.view, c.view);
  gemm(this->executor, a.view, b.view, want.view);
  const auto got = gather(*this, c), other = gather(*this, want);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], other[i], 1e-5);
  gemm<three_packs_of_k>(this->executor, a.view, b.view, c.view);
  const auto again = gather(*this, c);
  for (std::size_t i = 0; i < again.size(); ++i) EXPECT_NEAR(again[i], other[i], 1e-5);

  const auto odd = place(*this, draw_values<float>(40 * 12), 40, 12, layout::odd),
             column_major = place(*this, draw_values<float>(40 * 12), 40, 12, layout::column_major);
  EXPECT_REFUSED(gemm<mine>(this->executor, odd.view, b.view, c.view),
                 "gemm: A and B must be aligned for the policy's accesses");
  EXPECT_REFUSED(gemm<mine>(this->executor, column_major.view, b.view, c.view),
                 "gemm: A and B must have the policy's layouts");
  const auto odd_c = place(*this, std::vector<float>(40 * 72), 40, 72, layout::odd);
  EXPECT_REFUSED(gemm<mine>(this->executor, a.view, b.view, odd_c.view),
                 "gemm: C must be aligned for the policy's stores");
}

#ifndef __CUDACC__  // no GPU is needed
TEST(gemm_simt_policy, says_which_rule_is_broken) {
  const auto rule = [](gemm_simt_policy p) { return std::string(broken_rule(p, 4) ? broken_rule(p, 4) : ""); };
  EXPECT_EQ(rule({}), "");
  EXPECT_NE(rule({.block = {0, 128, 8}}).find("must be positive"), std::string::npos);
  EXPECT_NE(rule({.lane = {6, 8}}).find("lane must be a multiple of 16 bytes"), std::string::npos);
  EXPECT_NE(rule({.block = {100, 128, 8}}).find("block.m must be a multiple of 4 lane.m"), std::string::npos);
  EXPECT_NE(rule({.block = {128, 96, 8}}).find("block.n must be a multiple of 8 lane.n"), std::string::npos);
  EXPECT_NE(rule({.vector = 3}).find("powers of two"), std::string::npos);
  EXPECT_EQ(rule({.a = along::any}), "") << "packs whichever way A lies";
  EXPECT_NE(rule({.block = {128, 128, 6}, .a = along::any}).find("block.k must be a multiple of vector"),
            std::string::npos);
  EXPECT_NE(rule({.block = {128, 128, 6}}).find("block.k must be a multiple of vector"), std::string::npos);
  EXPECT_NE(rule({.c_vector = 2}).find("c_vector must be 1 or 16 bytes"), std::string::npos);
  EXPECT_NE(rule({.lowest = arch::cpu}).find("must be a GPU's arch"), std::string::npos);
  EXPECT_NE(rule({.block = {256, 512, 8}, .lane = {4, 4}}).find("at most 1024 threads"), std::string::npos);
  EXPECT_NE(rule({.block = {128, 128, 64}}).find("must fit the shared memory"), std::string::npos);
  for (const gemm_simt_policy& p : gemm_simt_table<float>::candidates) EXPECT_EQ(broken_rule(p, 4), nullptr);
  for (const gemm_simt_policy& p : gemm_simt_table<double>::candidates) EXPECT_EQ(broken_rule(p, 8), nullptr);
  for (const gemm_simt_policy& p : gemm_simt_table<half>::candidates) EXPECT_EQ(broken_rule(p, 4), nullptr);
}
#endif

/// n x n x n with packs of `vector` elements.
constexpr gemm_problem square(int n, along a, along b, int vector, arch target = arch::sm_80) {
  return {n, n, n, {a, vector}, {b, vector}, 4, target};
}
constexpr along row_major_a = along::k, row_major_b = along::outer;
using f32 = gemm_simt_table<float>;
static_assert(f32::choose(square(4096, row_major_a, row_major_b, 4)).place == 0);
static_assert(f32::choose(square(4096, along::k, along::k, 4)).place == 1);
static_assert(f32::choose(square(4096, along::outer, along::outer, 4)).place == 2);
static_assert(f32::choose(square(4096, along::outer, along::k, 4)).place == 0, "the transpose of row-major ones");
static_assert(f32::choose(square(512, row_major_a, row_major_b, 4)).place == 3, "few tiles");
static_assert(f32::choose(square(512, along::outer, along::k, 4)).place == 3, "of any layout");
// Large tiles of 256 x 128 would have an eighth, half and a quarter of their elements in C.
constexpr gemm_problem some(int m, int n, int k, int batches) {
  return {m, n, k, {along::k, 8}, {along::outer, 8}, 8, arch::sm_90, batches};
}
static_assert(f32::choose(some(32, 50304, 768, 1)).place == 3, "mostly empty");
static_assert(f32::choose(some(1024, 64, 1024, 96)).place == 3 && f32::choose(some(128, 64, 128, 384)).place == 3);
static_assert(f32::choose(some(8192, 768, 768, 1)).place == 0 && f32::choose(some(1024, 1024, 64, 96)).place == 0);
static_assert(f32::choose(square(4096, along::any, along::k, 1)).place == 4);
static_assert(f32::choose(square(4096, row_major_a, row_major_b, 2)).place == 4);
static_assert(gemm_simt_table<half>::choose(square(512, row_major_a, row_major_b, 8)).place == 0);
static_assert(gemm_simt_table<half>::choose(square(512, along::outer, row_major_b, 8)).place == 1);
using f16 = gemm_mma_sync_table<half>;
static_assert(f16::choose(square(4096, row_major_a, row_major_b, 8)).place == 0);
static_assert(f16::choose(square(4096, along::outer, along::k, 8)).place == 0);
static_assert(f16::choose(square(512, along::outer, along::outer, 8)).place == f16::small, "few tiles");
static_assert(f16::choose(square(4096, row_major_a, row_major_b, 4)).place == f16::strided);
static_assert(f16::choose(some(32768, 17, 4096, 1)).place == f16::small, "mostly empty");
static_assert(f16::choose(some(1024, 64, 1024, 96)).place == f16::small);
static_assert(f16::choose(some(32768, 16, 4096, 1)).place == f16::few &&
              f16::choose(some(9, 96, 64, 1)).place == f16::few);
static_assert(f16::choose(some(3072, 768, 4096, 1)).place == f16::small, "144 large tiles: two for some of 132");
static_assert(f16::choose(some(4096, 768, 768, 1)).place == 0 && f16::choose(some(3200, 768, 4096, 2)).place == 0);
constexpr gemm_problem few_rows(gemm_operand_shape x, gemm_operand_shape w, arch target = arch::sm_90) {
  return {12, 4096, 4096, x, w, 1, target};
}
static_assert(f16::choose(few_rows({along::any, 1}, {along::k, 8})).place == f16::few, "the short one may lie anyhow");
static_assert(f16::choose(few_rows({along::k, 8}, {along::k, 4})).place == f16::strided);
static_assert(!serves_few_mma_sync<half>(few_rows({along::k, 8}, {along::k, 8}, arch::sm_75)));
static_assert(!serves_few_mma_sync<float>(few_rows({along::k, 4}, {along::k, 4})));
static_assert(f16::choose(some(8192, 768, 768, 1)).place == 0 && f16::choose(some(1024, 1024, 64, 96)).place == 0);
constexpr gemm_problem few_columns = {16384, 64, 64, {along::outer, 16}, {along::k, 16}, 16, arch::sm_90};
static_assert(gemm_mma_sync_table<fp8_e4m3>::choose(few_columns).place == 3, "128 tiles of its transpose");
constexpr gemm_problem of_two_types(int m, int n) {
  return {m, n, 64, {along::outer, 16}, {along::k, 16}, 16, arch::sm_90, 1, false};
}
static_assert(gemm_mma_sync_table<fp8_e4m3>::choose(of_two_types(4096, 16)).place == 3, "it cannot be transposed");
static_assert(gemm_mma_sync_table<fp8_e4m3>::choose(of_two_types(16, 4096)).place == 4);
static_assert(gemm_mma_sync_table<fp8_e4m3>::choose(of_two_types(4096, 4096)).place == 3, "nor can large tiles");
// A tall C: as it is stored it has 256 x 128 tiles enough, but what is computed is its transpose.
constexpr gemm_problem tall(along a, along b) { return {64 * 256, 128, 4096, {a, 4}, {b, 4}, 4, arch::sm_80}; }
static_assert(transposed_if_needed(f32::candidates[0], tall(along::outer, along::k)).m == 128);
static_assert(transposed_if_needed(f32::candidates[0], tall(along::k, along::outer)).m == 64 * 256);
static_assert(transposed_if_needed(f32::candidates[1], tall(along::outer, along::k)).m == 64 * 256,
              "that kernel cannot");
using f64 = atoms::mma_shape<double>;
static_assert(serves_mma_sync<double, f64>(square(512, row_major_a, row_major_b, 2, arch::sm_90)));
static_assert(!serves_mma_sync<double, f64>(square(512, row_major_a, row_major_b, 1, arch::sm_90)), "not aligned");
static_assert(!serves_mma_sync<double, f64>(square(512, row_major_a, row_major_b, 2, arch::sm_89)), "no faster there");

}  // namespace
