// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU GEMM against sums in double: types, layouts, factors, epilogues, edges, threads, and the rules of its policy.
#include <gtest/gtest.h>

#include <tilery/cpu.hpp>
#include <tilery/gemm.hpp>
#include <tilery/kernels/gemm/cpu.hpp>
#include <tilery/policies/gemm_cpu_table.hpp>
#include <tilery/simt/host_workspace.hpp>

#include "tests/draw.hpp"

#include <cmath>
#include <cstring>

namespace {

using namespace tilery;
using tilery_tests::as_double;
using tilery_tests::draw;

enum class layout { row_major, column_major, spread };

/// A matrix in host memory, with NaN between its elements.
template <class T>
struct stored {
  std::vector<T> memory;
  int rows, columns;
  std::int64_t row_stride, column_stride;

  stored(int m, int n, layout how) : rows(m), columns(n), row_stride(n + draw(0, 3)), column_stride(1) {
    if (how == layout::column_major) row_stride = 1, column_stride = m + draw(0, 3);
    if (how == layout::spread) column_stride = 3, row_stride = 3 * n + 2;
    memory.assign(static_cast<std::size_t>(m * row_stride + n * column_stride + 1), convert<T>(std::nanf("")));
    const auto values = tilery_tests::draw_values<T>(static_cast<std::size_t>(m) * n);
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) at(i, j) = values[static_cast<std::size_t>(i) * n + j];
  }
  T& at(int i, int j) { return memory[static_cast<std::size_t>(i * row_stride + j * column_stride)]; }
  double value(int i, int j) const {
    return as_double(memory[static_cast<std::size_t>(i * row_stride + j * column_stride)]);
  }
  gmem_matrix<T> matrix() { return {gmem_ptr<T>(memory.data()), rows, columns, row_stride, column_stride}; }
  void fill(T value) {
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j) at(i, j) = value;
  }
};

/// An epilogue of the user's own that depends on where it is.
struct checkered : epilogue::step {
  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane, pack<T, N> x, int row, int column) const {
    for (int i = 0; i < N; ++i) x.set(i, x[i] * T(1 + row % 3) + T((column + i) % 5));
    return x;
  }
};

// The epilogues once more, in double.
double expected(const epilogue::none&, double x, int, int) { return x; }
double expected(const checkered&, double x, int row, int column) { return x * (1 + row % 3) + column % 5; }
template <class T>
double expected(const epilogue::chain<epilogue::bias<T>, epilogue::gelu>& e, double x, int, int column) {
  x += e.first.values.template load<double, 1>(cpu_lane({0, 0, 0}, {1, 1, 1}), 0, column)[0];
  return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
}

template <class T>
constexpr double unit = std::is_same_v<T, double>  ? 0x1p-53
                        : std::is_same_v<T, float> ? 0x1p-24
                        : std::is_same_v<T, half>  ? 0x1p-11
                                                   : 0x1p-8;

struct shape {
  int m, n, k;
};
struct factors {
  double alpha = 1, beta = 0;
};

template <class T, class C, class Epilogue>
auto params_of(stored<T>& a, stored<T>& b, stored<C>& c, factors f, const Epilogue& e) {
  using S = accumulator_t<T>;
  return gemm_params<T, T, C, S, Epilogue>{{gmem_ptr<const T>(a.memory.data()), a.rows, a.columns, a.row_stride,
                                            a.column_stride},
                                           {gmem_ptr<const T>(b.memory.data()), b.columns, b.rows, b.column_stride,
                                            b.row_stride},
                                           c.matrix(),
                                           static_cast<S>(f.alpha),
                                           static_cast<S>(f.beta),
                                           e};
}

/// One problem through one policy; every element within its bound, everything around C untouched.
template <auto P, class T, class C, class Epilogue>
void check(shape s, layout how_a, layout how_b, layout how_c, factors f, const Epilogue& e, int threads = 2) {
  SCOPED_TRACE(testing::Message() << element<T>::name << " to " << element<C>::name << ", " << s.m << " x " << s.n
                                  << " x " << s.k << ", layouts " << int(how_a) << int(how_b) << int(how_c)
                                  << ", alpha " << f.alpha << " beta " << f.beta << ", " << describe(P));
  stored<T> a(s.m, s.k, how_a), b(s.k, s.n, how_b);
  stored<C> c(s.m, s.n, how_c);
  if (f.beta == 0) c.fill(convert<C>(std::nanf("")));  // must not be read
  auto old = c;
  gemm_cpu<P>(cpu(threads), params_of(a, b, c, f, e));

  const double u = unit<accumulator_t<T>>;
  for (int i = 0; i < s.m; ++i) {
    for (int j = 0; j < s.n; ++j) {
      double sum = 0, size = 0;
      for (int k = 0; k < s.k; ++k)
        sum += a.value(i, k) * b.value(k, j), size += std::abs(a.value(i, k) * b.value(k, j));
      const double before = f.beta == 0 ? 0 : f.beta * old.value(i, j);
      const double right = expected(e, f.alpha * sum + before, i, j);
      const double bound =
          4 * ((s.k + 2) * u * std::abs(f.alpha) * size + 4 * u * (1 + std::abs(before) + std::abs(right))) +
          unit<C> * std::abs(right) + 1e-7 * (unit<C> > 1e-4);
      ASSERT_NEAR(c.value(i, j), right, bound) << "at row " << i << ", column " << j;
      c.at(i, j) = old.at(i, j);
    }
  }
  ASSERT_EQ(std::memcmp(c.memory.data(), old.memory.data(), c.memory.size() * sizeof(C)), 0)
      << "something around C was written";
}

/// A policy with spans, passes and blocks so small that a drawn problem has several of each.
constexpr gemm_cpu_policy tiny(int bytes, bool in_place, host_isa isa = native_isa, int rows = 3, int vectors = 2) {
  const int columns = vectors * vector_bytes(isa) / bytes;
  return {.rows = rows,
          .vectors = vectors,
          .k_block = 13,
          .n_block = 2 * columns,
          .m_span = 10,
          .n_span = 3 * columns,
          .a_in_place = in_place,
          .b_in_place = in_place,
          .isa = isa};
}

layout any_layout() { return static_cast<layout>(draw(0, 2)); }
shape any_shape(int columns) { return {draw(1, 25), draw(1, 5 * columns), draw(0, 3) == 0 ? draw(0, 2) : draw(0, 60)}; }
factors any_factors() {
  const double alphas[] = {1, 1, -0.5, 0}, betas[] = {0, 0, 1, 0.75};
  return {alphas[draw(0, 3)], betas[draw(0, 3)]};
}

template <gemm_cpu_policy P, class T, class C, class Epilogue>
void check_drawn(int times, const Epilogue& e) {
  for (int i = 0; i < times && !testing::Test::HasFatalFailure(); ++i)
    check<P, T, C>(any_shape(P.columns(sizeof(accumulator_t<T>))), any_layout(), any_layout(), any_layout(),
                   any_factors(), e);
}

template <class T>
class gemm_cpu_of : public testing::Test {};
using types = testing::Types<double, float, half, bf16>;
TYPED_TEST_SUITE(gemm_cpu_of, types);

TYPED_TEST(gemm_cpu_of, drawn_problems) {
  constexpr int bytes = sizeof(accumulator_t<TypeParam>);
  check_drawn<tiny(bytes, false), TypeParam, TypeParam>(60, epilogue::none{});
  if constexpr (sizeof(TypeParam) == bytes)
    check_drawn<tiny(bytes, true), TypeParam, TypeParam>(60, epilogue::none{});
  else
    check_drawn<tiny(bytes, false), TypeParam, float>(60, epilogue::none{});  // C in the accumulation type
}

template <class T>
void check_epilogues() {
  constexpr gemm_cpu_policy p = tiny(4, true);
  const auto values = tilery_tests::draw_values<T>(2 * 5 * p.columns(4));
  for (int i = 0; i < 30; ++i) {
    const shape s = any_shape(p.columns(4));
    vector_view<const T> bias(values.data(), s.n);
    bias.strides[0] = draw(1, 2);
    check<p, T, T>(s, any_layout(), any_layout(), any_layout(), any_factors(), epilogue::bias(bias) | epilogue::gelu{});
    check<p, T, T>(s, any_layout(), any_layout(), any_layout(), any_factors(), checkered{});
  }
}
TEST(gemm_cpu, epilogues) {
  check_epilogues<float>();
  check_epilogues<bf16>();
}

TYPED_TEST(gemm_cpu_of, the_tables_candidates) {
  using table = gemm_cpu_table<TypeParam>;
  constexpr gemm_cpu_policy p = table::candidates[0];
  for (const shape s : {shape{1, 1, 1},
                        {p.rows, p.columns(4), 7},
                        {p.rows + 1, p.columns(4) + 1, p.k_block},
                        {37, 2 * p.columns(4) - 1, p.k_block + 1},
                        {5, 331, 1100},
                        {64, 64, 64}})
    for (const layout a : {layout::row_major, layout::column_major})
      for (const layout b : {layout::row_major, layout::column_major}) {
        check<p, TypeParam, TypeParam>(s, a, b, layout::row_major, {}, epilogue::none{});
        check<table::candidates[std::size(table::candidates) - 1], TypeParam, TypeParam>(s, a, b, layout::row_major, {},
                                                                                         epilogue::none{});
      }
}

/// A policy for few rows or columns with pieces so small that a drawn problem has several.
constexpr gemm_cpu_skinny_policy tiny_skinny(int bytes, host_isa isa = native_isa) {
  const int vector = vector_bytes(isa) / bytes;
  return {.few = 5,
          .rows = 2,
          .lines = 2,
          .group = 6,
          .tile_few = 3,
          .tile_group = 9,
          .k_block = 2 * vector,
          .span = 3 * vector,
          .isa = isa};
}

/// Drawn problems with few rows or columns, whose long operand is row-major or column-major; A, B and C have any layout
/// else.
template <gemm_cpu_skinny_policy P, class T, class C, class Epilogue>
void check_skinny(int times, const Epilogue& e) {
  const int vector = P.lanes(sizeof(accumulator_t<T>));
  for (int i = 0; i < times && !testing::Test::HasFatalFailure(); ++i) {
    const int few = draw(1, P.few), many = draw(few + 1, 8 * vector + 3);
    const int k = draw(0, 3) == 0 ? draw(0, 2) : draw(0, 2 * P.k_block + 3);
    const layout of_long = draw(0, 1) == 0 ? layout::row_major : layout::column_major;
    check<P, T, C>({few, many, k}, any_layout(), of_long, any_layout(), any_factors(), e);
    check<P, T, C>({many, few, k}, of_long, any_layout(), any_layout(), any_factors(), e);
  }
}
TYPED_TEST(gemm_cpu_of, few_rows_or_columns) {
  constexpr int bytes = sizeof(accumulator_t<TypeParam>);
  check_skinny<tiny_skinny(bytes), TypeParam, TypeParam>(60, checkered{});
  if constexpr (sizeof(TypeParam) != 2)
    check_skinny<gemm_cpu_skinny_policy{}, TypeParam, TypeParam>(40, epilogue::none{});
  else
    check_skinny<gemm_cpu_skinny_policy{}, TypeParam, float>(20, epilogue::none{});  // C in the accumulation type
}
TEST(gemm_cpu, few_rows_or_columns_in_narrower_vectors) {
  check_skinny<tiny_skinny(4, host_isa::baseline), float, float>(30, epilogue::none{});
}
// The sums of one piece take more than the 16 KiB that other policies need.
TEST(gemm_cpu, few_rows_or_columns_in_large_pieces) {
  constexpr gemm_cpu_skinny_policy large{.tile_group = 600};
  for (const int few : {2, 16}) {
    check<large, float, float>({few, 1300, 40}, layout::row_major, layout::column_major, layout::row_major, {},
                               epilogue::none{});
    check<large, float, float>({1300, few, 40}, layout::row_major, layout::row_major, layout::row_major, {},
                               epilogue::none{});
  }
}
// Infinity meets none of the zeros that fill vectors up.
TEST(gemm_cpu, few_rows_or_columns_propagate_infinity) {
  for (const layout how : {layout::row_major, layout::column_major}) {
    stored<float> a(3, 37, layout::row_major), b(37, 50, how), c(3, 50, layout::row_major);
    a.fill(1), b.fill(2);
    b.at(36, 49) = INFINITY, a.at(1, 36) = -1, a.at(2, 0) = NAN;
    gemm_cpu<gemm_cpu_skinny_policy{}>(cpu(1), params_of(a, b, c, {}, epilogue::none{}));
    EXPECT_EQ(c.at(0, 49), INFINITY);
    EXPECT_EQ(c.at(1, 49), -INFINITY);
    EXPECT_EQ(c.at(0, 48), 74);
    EXPECT_TRUE(std::isnan(c.at(2, 0)) && std::isnan(c.at(2, 49)));
  }
}

/// Each addition to a long chain of one number rounds in the same direction. The documented bound of a long k.
template <auto P, class T>
void check_long_k(shape s, layout how) {
  stored<T> a(s.m, s.k, layout::row_major), b(s.k, s.n, how), c(s.m, s.n, layout::row_major);
  a.fill(convert<T>(accumulator_t<T>(0.7))), b.fill(convert<T>(accumulator_t<T>(0.71)));
  gemm_cpu<P>(cpu(2), params_of(a, b, c, {}, epilogue::none{}));
  const double want = s.k * a.value(0, 0) * b.value(0, 0);
  for (int i = 0; i < s.m; ++i)
    for (int j = 0; j < s.n; ++j)
      EXPECT_NEAR(c.at(i, j), want, (514 + s.k / 256) * unit<T> * want) << s.m << " x " << s.n << " x " << s.k;
}
TEST(gemm_cpu, a_long_k_is_no_long_chain) {
  constexpr gemm_cpu_skinny_policy skinny;
  for (const layout how : {layout::row_major, layout::column_major}) {  // B contiguous along n, then along k
    check_long_k<skinny, float>({1, 3, 1 << 21}, how);
    check_long_k<skinny, float>({1, 1, (1 << 21) + 7}, how);
    check_long_k<skinny, float>({3, 35, 1 << 18}, how);
    check_long_k<skinny, double>({2, 19, 1 << 17}, how);
    check_long_k<skinny, double>({7, 19, 1 << 17}, how);  // in register tiles, where B is column-major
    check_long_k<skinny, float>({11, 35, 1 << 18}, how);
    check_long_k<gemm_cpu_table<float>::candidates[0], float>({17, 18, 1 << 18}, how);
    check_long_k<gemm_cpu_table<double>::candidates[0], double>({17, 18, 1 << 17}, how);
  }
}

TEST(gemm_cpu, edges_around_the_register_tile) {
  constexpr gemm_cpu_policy p = tiny(4, true);
  for (int m = 1; m <= 2 * p.rows + 1; ++m)
    for (const int n :
         {1, p.lanes(4) - 1, p.lanes(4), p.lanes(4) + 1, p.columns(4) - 1, p.columns(4), p.columns(4) + 1})
      for (const int k : {0, 1, 13, 14, 27})
        check<p, float, float>({m, n, k}, layout::row_major, layout::row_major, layout::row_major, {}, epilogue::none{},
                               1);
}

template <host_isa Isa>
void check_width() {
  if constexpr (Isa <= native_isa) check_drawn<tiny(4, true, Isa, 6, 2), float, float>(30, epilogue::none{});
}
TEST(gemm_cpu, narrower_vectors_than_the_build_has) {
  check_width<host_isa::baseline>();
  check_width<host_isa::avx2>();
}

TEST(gemm_cpu, nothing_to_compute) {
  check<tiny(4, true), float, float>({0, 5, 3}, layout::row_major, layout::row_major, layout::row_major, {},
                                     epilogue::none{});
  check<tiny(4, true), float, float>({5, 0, 3}, layout::row_major, layout::row_major, layout::row_major, {},
                                     epilogue::none{});
  check<tiny(4, true), float, float>({5, 7, 0}, layout::row_major, layout::row_major, layout::row_major, {1, 0.5},
                                     checkered{});
}

TEST(gemm_cpu, an_empty_sum_needs_no_operands) {
  stored<float> a(4, 0, layout::row_major), b(0, 40, layout::row_major), c(4, 40, layout::row_major);
  auto p = params_of(a, b, c, {}, epilogue::none{});
  p.a.data = gmem_ptr<const float>(nullptr), p.b.data = gmem_ptr<const float>(nullptr);
  gemm_cpu<tuned_gemm_cpu(4, true)>(cpu(1), p);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 40; ++j) EXPECT_EQ(c.at(i, j), 0);
}

/// How often the epilogue saw each element; only for one thread.
struct counting : epilogue::step {
  int* seen;
  int rows, columns;
  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane, pack<T, N> x, int row, int column) const {
    for (int i = 0; i < N; ++i)
      if (column + i < columns) ++seen[row * columns + column + i];
    return x;
  }
};
TEST(gemm_cpu, the_epilogue_runs_once_for_each_element) {
  std::vector<int> seen(23 * 71, 0);
  counting e{{}, seen.data(), 23, 71};
  stored<float> a(23, 40, layout::row_major), b(40, 71, layout::row_major), c(23, 71, layout::row_major);
  gemm_cpu<tiny(4, true)>(cpu(1), params_of(a, b, c, {}, e));
  for (const int times : seen) EXPECT_EQ(times, 1);
}

template <auto P, class T>
void check_threads(shape s, layout how_a, layout how_b) {
  stored<T> a(s.m, s.k, how_a), b(s.k, s.n, how_b);
  stored<T> one(s.m, s.n, layout::row_major);
  for (const int threads : {2, 3}) {
    auto many = one;
    auto first = one;
    gemm_cpu<P>(cpu(1), params_of(a, b, first, {0.5, 1.5}, epilogue::none{}));
    gemm_cpu<P>(cpu(threads), params_of(a, b, many, {0.5, 1.5}, epilogue::none{}));
    EXPECT_EQ(std::memcmp(first.memory.data(), many.memory.data(), many.memory.size() * sizeof(T)), 0)
        << threads << " threads, " << describe(P);
  }
}
TEST(gemm_cpu, threads_do_not_change_a_bit) {
  for (const shape s : {shape{130, 131, 150}, {7, 700, 600}, {700, 7, 600}}) {
    check_threads<tuned_gemm_cpu(4, false), float>(s, layout::row_major, layout::row_major);
    check_threads<tuned_gemm_cpu(4, true), float>(s, layout::column_major, layout::column_major);
    check_threads<tuned_gemm_cpu(4, false), bf16>(s, layout::row_major, layout::column_major);
  }
  check_threads<tiny(4, true), float>({130, 131, 50}, layout::row_major, layout::row_major);
  for (const layout how : {layout::row_major, layout::column_major}) {
    check_threads<gemm_cpu_skinny_policy{}, float>({7, 2001, 600}, layout::spread, how);
    check_threads<gemm_cpu_skinny_policy{}, double>({2001, 13, 600}, how, layout::spread);
    check_threads<gemm_cpu_skinny_policy{}, float>({3, 2001, 600}, layout::spread, how);
    check_threads<gemm_cpu_skinny_policy{}, bf16>({2001, 9, 600}, how, layout::spread);
  }
}

TEST(gemm_cpu, not_a_number_and_infinity_propagate) {
  stored<float> a(2, 3, layout::row_major), b(3, 20, layout::row_major), c(2, 20, layout::row_major);
  a.at(0, 1) = INFINITY;
  b.fill(1);
  b.at(2, 19) = NAN;
  gemm_cpu<tuned_gemm_cpu(4, false)>(cpu(1), params_of(a, b, c, {}, epilogue::none{}));
  EXPECT_EQ(c.at(0, 0), INFINITY);
  EXPECT_TRUE(std::isnan(c.at(0, 19)) && std::isnan(c.at(1, 19)));
  EXPECT_TRUE(std::isfinite(c.at(1, 0)) && std::isfinite(c.at(1, 18)));
}

std::string rule(const gemm_cpu_policy& p) {
  const char* sentence = broken_rule(p, 4);
  return sentence ? sentence : "";
}
TEST(gemm_cpu_policy, each_rule_has_its_sentence) {
  constexpr gemm_cpu_policy good = tuned_gemm_cpu(4, false);
  static_assert(broken_rule(good, 4) == nullptr && broken_rule(tuned_gemm_cpu(8, true), 8) == nullptr);
  for (auto member : {&gemm_cpu_policy::rows, &gemm_cpu_policy::vectors, &gemm_cpu_policy::k_block,
                      &gemm_cpu_policy::n_block, &gemm_cpu_policy::m_span, &gemm_cpu_policy::n_span}) {
    gemm_cpu_policy p = good;
    p.*member = 0;
    EXPECT_NE(rule(p).find("must be positive"), std::string::npos) << rule(p);
  }
  gemm_cpu_policy p = good;
  p.rows = 40;
  EXPECT_NE(rule(p).find("must be at most the vector registers"), std::string::npos) << rule(p);
  p = good, p.n_block += 1;
  EXPECT_NE(rule(p).find("must be multiples of the register tile's columns"), std::string::npos) << rule(p);
  p = good, p.n_span += 1;
  EXPECT_NE(rule(p).find("must be multiples of the register tile's columns"), std::string::npos) << rule(p);
  if (native_isa != host_isa::avx512) {
    p = good, p.isa = host_isa::avx512;
    EXPECT_NE(rule(p).find("must not be wider than the instructions"), std::string::npos) << rule(p);
  }
  gemm_problem problem;
  problem.target = arch::cpu;
  EXPECT_EQ(misfit(good, problem), nullptr);
  problem.target = arch::sm_90;
  EXPECT_NE(misfit(good, problem), nullptr);
}

TEST(gemm_cpu_skinny_policy, each_rule_has_its_sentence) {
  constexpr gemm_cpu_skinny_policy good{};
  static_assert(broken_rule(good, 4) == nullptr && broken_rule(good, 8) == nullptr);
  const auto says = [](const gemm_cpu_skinny_policy& p, const char* part) {
    const char* sentence = broken_rule(p, 4);
    EXPECT_NE(std::string(sentence ? sentence : "").find(part), std::string::npos) << (sentence ? sentence : "nothing");
  };
  says({.few = 65}, "few must be 1 to 64");
  says({.span = 0}, "span positive");
  says({.rows = 8, .lines = 8, .group = 16}, "must be at most the vector registers");
  says({.lines = 3}, "group must be a multiple of lines");
  says({.k_block = 13}, "must be multiples of a vector");
  if (native_isa != host_isa::avx512) says({.isa = host_isa::avx512}, "must not be wider than the instructions");

  constexpr gemm_problem p{.m = 4, .n = 999, .k = 50, .a = {along::any}, .b = {along::k}, .target = arch::cpu};
  static_assert(misfit(good, p) == nullptr);
  const auto misfits = [&](auto change, const char* part) {
    gemm_problem other = p;
    change(other);
    const char* why = misfit(good, other);
    EXPECT_NE(std::string(why ? why : "").find(part), std::string::npos) << (why ? why : "nothing");
  };
  misfits([](gemm_problem& o) { o.target = arch::sm_90; }, "runs on the cpu executor only");
  misfits([](gemm_problem& o) { o.m = 17; }, "more rows and columns");
  misfits([](gemm_problem& o) { o.one_type = false; }, "one element type");
  misfits([](gemm_problem& o) { o.alike = false; }, "a gemm_cpu_skinny_policy runs no groups");
  misfits([](gemm_problem& o) { o.b.contiguous = along::any; }, "must be contiguous along k");
  misfits([](gemm_problem& o) { o.m = 999, o.n = 4; }, "must be contiguous along k");
}

TEST(gemm_cpu_skinny_table, serves_what_memory_bounds) {
  using table = gemm_cpu_skinny_table<float>;
  constexpr auto serves = [](int m, int n, int k, along a, along b) {
    return table::serves({.m = m, .n = n, .k = k, .a = {a}, .b = {b}, .target = arch::cpu});
  };
  static_assert(serves(1, 4096, 4096, along::k, along::outer) && serves(1, 4096, 4096, along::k, along::k));
  static_assert(serves(16, 4096, 4096, along::any, along::k) && !serves(16, 4096, 4096, along::k, along::outer));
  static_assert(serves(4096, 16, 4096, along::k, along::any) && !serves(4096, 17, 4096, along::k, along::k));
  static_assert(!serves(1, 256, 256, along::k, along::outer), "B fits the second cache and is read in place");
  static_assert(serves(1, 256, 256, along::k, along::k) && serves(256, 1, 256, along::outer, along::outer));
  static_assert(serves(256, 8, 256, along::outer, along::outer), "A would be transposed as it is packed");
  static_assert(serves(8, 256, 256, along::k, along::k) == (native_isa != host_isa::baseline), "register tiles");
  static_assert(!serves(64, 64, 64, along::k, along::k));
}

TEST(gemm_cpu_table, chooses) {
  using table = gemm_cpu_table<float>;
  constexpr gemm_problem square{.m = 512,
                                .n = 512,
                                .k = 512,
                                .a = {along::k, 4},
                                .b = {along::outer, 4},
                                .target = arch::cpu};
  static_assert(table::choose(square).index == 0);
  constexpr auto with = [](gemm_problem p, int m, int n, int k) {
    p.m = m, p.n = n, p.k = k;
    return p;
  };
  static_assert(table::choose(with(square, 64, 64, 64)).index == 1, "small: read in place");
  static_assert(table::choose(with(square, 10, 256, 256)).index == 1, "few rows: read in place");
  static_assert(table::choose(with(square, 10, 4096, 4096)).index == 0);
  gemm_problem transposed = with(square, 64, 64, 64);
  transposed.b.contiguous = along::k;
  EXPECT_EQ(table::choose(transposed).index, 0);
  EXPECT_STRNE(table::choose(transposed).reason, table::choose(square).reason);
  EXPECT_EQ(gemm_cpu_table<half>::choose(square).index, 0);
}

// Products of bytes are summed as floats, exactly, as long as they are below 2^24; what is more wraps at 32 bits.
template <gemm_cpu_policy P>
void sums_of_bytes_are_exact(int m, int n, int k, int low, int high) {
  std::vector<int8> a(m * k), b(k * n);
  for (auto* values : {&a, &b})
    for (int8& x : *values) x = static_cast<int8>(draw(low, high));
  std::vector<std::int32_t> c(m * n, 1), want(m * n);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      std::int64_t sum = 0;
      for (int q = 0; q < k; ++q) sum += a[i * k + q] * b[q * n + j];
      want[i * n + j] = static_cast<std::int32_t>(sum);
    }
  gemm<P>(cpu(2), matrix(static_cast<const int8*>(a.data()), m, k), matrix(static_cast<const int8*>(b.data()), k, n),
          matrix(c.data(), m, n));
  EXPECT_EQ(c, want) << k;
}
constexpr gemm_cpu_policy long_passes{.rows = 4, .vectors = 2, .k_block = 1 << 15, .n_block = 320};

TEST(gemm_cpu, sums_of_bytes_are_exact) {
  sums_of_bytes_are_exact<tuned_gemm_cpu(4, false)>(17, 70, 1500, -128, 127);
  sums_of_bytes_are_exact<tuned_gemm_cpu(4, false)>(5, 40, 140000, -128, -128);
  sums_of_bytes_are_exact<long_passes>(5, 33, 5000, 127, 127);
  sums_of_bytes_are_exact<long_passes>(9, 33, 5000, 90, 127);
}

TEST(even_split, covers_everything_once) {
  for (int total = 0; total < 30; ++total)
    for (int parts = 1; parts < 12; ++parts) {
      const tile::even_split split(total, parts);
      EXPECT_EQ(split.begin(0), 0);
      EXPECT_EQ(split.end(parts - 1), total);
      for (int i = 0; i < parts; ++i) {
        EXPECT_EQ(split.end(i) - split.begin(i), split.size(i));
        EXPECT_LE(split.size(0) - split.size(i), 1);
      }
    }
}

TEST(host_workspace, is_kept_and_lent_once) {
  void* first = nullptr;
  {
    const allocation a = kept_workspace(1000);
    first = a.get();
    const allocation b = kept_workspace(1000);
    EXPECT_NE(a.get(), b.get());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.get()) % 64, 0u);
  }
  EXPECT_EQ(kept_workspace(500).get(), first);
  EXPECT_GE(kept_workspace(5000).bytes(), 5000u);
  EXPECT_EQ(kept_workspace(0).get(), nullptr);
}

}  // namespace
