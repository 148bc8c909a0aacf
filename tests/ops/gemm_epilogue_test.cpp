// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The epilogues of a GEMM against double references: each alone, every ordered pair and drawn chains of three, through
// each mainloop; extra matrices of every layout; what they refuse.
#include "tests/gemm_reference.hpp"
#include "tests/layouts.hpp"

#include <tilery/gemm.hpp>
#include <tilery/validate.hpp>

#include <functional>
#include <memory>

namespace {

using namespace tilery;
using namespace tilery_tests;

// Small tiles, so that small problems have several, and edges.
constexpr gemm_simt_policy simt_tiles{.block = {16, 64, 4},
                                      .lane = {4, 4},
                                      .a = along::any,
                                      .b = along::any,
                                      .vector = 1,
                                      .c_vector = 1};
constexpr gemm_mma_sync_policy mma_tiles{.block = {32, 64, 32},
                                         .warp = {32, 32},
                                         .stages = 2,
                                         .a = along::any,
                                         .b = along::any,
                                         .vector = 1,
                                         .c_vector = 1};
constexpr gemm_cpu_policy cpu_tiles{.rows = 3, .vectors = 1, .k_block = 8, .n_block = 64, .m_span = 16, .n_span = 64};

/// A user's epilogue: a call operator, and no more.
struct checkerboard : epilogue::step {
  template <class Lane, class T, int N>
  SIMT pack<T, N> operator()(Lane, pack<T, N> x, int row, int column) const {
    for (int i = 0; i < N; ++i) x.set(i, (row + column + i) % 2 ? -x[i] : x[i]);
    return x;
  }
};

/// One of several epilogues, chosen at run time: a kernel is compiled once for all of them.
template <class... E>
struct any_of;
template <class First, class... Rest>
struct any_of<First, Rest...> : epilogue::step {
  int index;
  First first;
  any_of<Rest...> rest;
  any_of(int i, First a, Rest... others) : index(i), first(a), rest(i - 1, others...) {}

  template <class Lane, class T, int N>
  SIMT pack<T, N> operator()(Lane lane, pack<T, N> x, int row, int column) {
    return index == 0 ? first(lane, x, row, column) : rest(lane, x, row, column);
  }
  template <class Lane>
  SIMT void end(Lane lane) {
    index == 0 ? first.end(lane) : rest.end(lane);
  }
  void shape(int m, int n) { first.shape(m, n), rest.shape(m, n); }
  void describe(operands& all) const { index == 0 ? first.describe(all) : rest.describe(all); }
  finding check(int m, int n) const { return index == 0 ? first.check(m, n) : rest.check(m, n); }
};
template <>
struct any_of<> : epilogue::none {
  explicit any_of(int) {}
};

/// The same, and its code stands once, wherever in a chain it is.
template <class... E>
struct shared_text : any_of<E...> {
  using any_of<E...>::any_of;
  template <class Lane, class T, int N>
#ifdef __CUDACC__
  __host__ __device__
#endif
      __attribute__((noinline)) pack<T, N>
      operator()(Lane lane, pack<T, N> x, int row, int column) {
    return any_of<E...>::operator()(lane, x, row, column);
  }
};
template <class... E>
shared_text<E...> choose(int index, E... all) {
  return {index, all...};
}

double cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double logistic(double x) { return 1 / (1 + std::exp(-x)); }
const double slope_at_0 = std::sqrt(8 / M_PI);  // of gelu_tanh's 2 u

struct formulas {
  const char* name;
  double (*value)(double);
  double (*slope)(double);
};
const formulas activations[] = {
    {"relu", [](double x) { return x > 0 ? x : 0; }, [](double x) { return x > 0 ? 1.0 : 0.0; }},
    {"gelu", [](double x) { return x * cdf(x); },
     [](double x) { return cdf(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }},
    {"gelu_tanh", [](double x) { return x / 2 * (1 + std::tanh(slope_at_0 / 2 * (x + 0.044715 * x * x * x))); },
     [](double x) {
       const double s = logistic(slope_at_0 * (x + 0.044715 * x * x * x));
       return s + x * s * (1 - s) * slope_at_0 * (1 + 3 * 0.044715 * x * x);
     }},
    {"silu", [](double x) { return x * logistic(x); },
     [](double x) { return logistic(x) * (1 + x * (1 - logistic(x))); }},
    {"sigmoid", logistic, [](double x) { return logistic(x) * (1 - logistic(x)); }},
    {"tanh", [](double x) { return std::tanh(x); }, [](double x) { return 1 - std::tanh(x) * std::tanh(x); }},
};

/// A number and what a float may differ from it.
struct traced {
  double value, error;
};

/// The extra operands of one place in a chain, for C of m x n. Each layout is drawn.
template <class Fixture>
struct place_in_chain {
  int m, n;
  std::vector<float> bias = draw_values<float>(n), residual = draw_values<float>(m * n),
                     z = draw_values<float>(m * n, -4, 4);
  std::vector<bf16> rows = draw_values<bf16>(m), wide = draw_values<bf16>(m * n);
  placed<float> bias_at, residual_at, z_at, stored_wide;
  placed<bf16> rows_at, wide_at, stored;
  buffer<float> amax;

  place_in_chain(const Fixture& on, int rows_of_c, int columns_of_c) : m(rows_of_c), n(columns_of_c) {
    const auto any = [] { return layouts[draw(0, 4)]; };
    bias_at = place(on, bias, 1, n, any());
    rows_at = place(on, rows, 1, m, any());
    residual_at = place(on, residual, m, n, any());
    wide_at = place(on, wide, m, n, any());
    z_at = place(on, z, m, n, any());
    stored = place(on, std::vector<bf16>(m * n), m, n, any());
    stored_wide = place(on, std::vector<float>(m * n), m, n, any());
    amax = on.put(std::vector<float>{0.25f});
  }

  static constexpr int stores = 18, stores_wide = 19, takes_amax = 20, kinds = 23;
  template <class T>
  static vector_view<const T> as_vector(const placed<T>& p) {
    vector_view<const T> result(p.view.pointer, p.view.extents[1]);
    result.strides[0] = p.view.strides[1];
    return result;
  }
  auto epilogue(int kind) const {
    namespace e = tilery::epilogue;
    namespace a = tilery::activation;
    return choose(kind, e::none(), e::scale(-1.5), e::bias(as_vector(bias_at)), e::row_bias(as_vector(rows_at)),
                  e::residual(residual_at.view, 0.5), e::residual(wide_at.read()), e::relu(), e::gelu(), e::gelu_tanh(),
                  e::silu(), e::sigmoid(), e::tanh(), e::times_gradient<a::relu>(z_at.view),
                  e::times_gradient<a::gelu>(z_at.view), e::times_gradient<a::gelu_tanh>(z_at.view),
                  e::times_gradient<a::silu>(z_at.read()), e::times_gradient<a::sigmoid>(z_at.view),
                  e::times_gradient<a::tanh>(z_at.view), e::store(stored.view), e::store(stored_wide.view),
                  e::amax(amax), e::stochastic_rounding<bf16>(7), checkerboard());
  }
  /// What that makes of a number at (i, j), and how far off a float may be then: no slope is above 1.2.
  traced expected(int kind, traced x, int i, int j) const {
    const double eps = 32 * 0x1p-24;
    const auto off = [&](double value, double error) { return traced{value, error + eps * (1 + std::fabs(value))}; };
    switch (kind) {
      case 1: return off(-1.5 * x.value, 1.5 * x.error);
      case 2: return off(x.value + bias[j], x.error);
      case 3: return off(x.value + as_double(rows[i]), x.error);
      case 4: return off(x.value + 0.5 * residual[i * n + j], x.error);
      case 5: return off(x.value + as_double(wide[i * n + j]), x.error);
      case 21: return off(x.value, x.error + 0x1p-7 * (std::fabs(x.value) + x.error));
      case 22: return {(i + j) % 2 ? -x.value : x.value, x.error};
    }
    if (kind >= 6 && kind < 12) return off(activations[kind - 6].value(x.value), 1.2 * x.error);
    if (kind >= 12 && kind < 18) return off(x.value * activations[kind - 12].slope(z[i * n + j]), 1.2 * x.error);
    return x;
  }
};

template <class Executor>
class gemm_epilogue_on : public on_executor<Executor> {
public:
  using chain_place = place_in_chain<on_executor<Executor>>;
  static constexpr bool host = Executor::lane::alone;

  /// float through gemm_simt, bf16 on tensor cores where there are any; both through gemm_cpu.
  template <class A, class B, class C, class Epilogue>
  void run(const A& a, const B& b, const C& c, const Epilogue& e, gemm_factors f = {}) {
    if constexpr (host)
      gemm<cpu_tiles>(this->executor, a, b, c, e, f);
    else if constexpr (std::is_same_v<element_type_of<A>, bf16>)
      gemm<mma_tiles>(this->executor, a, b, c, e, f);
    else
      gemm<simt_tiles>(this->executor, a, b, c, e, f);
  }
  template <class T>
  bool runs() {
    return host || std::is_same_v<T, float> || this->executor.target() >= arch::sm_80;
  }

  /// One problem, on which chains are tried.
  template <class T>
  struct problem {
    gemm_epilogue_on& on;
    int m, n, k;
    std::vector<T> a_values = draw_values<T>(m * k), b_values = draw_values<T>(k * n);
    placed<T> a = place(on, a_values, m, k, layout::dense), b = place(on, b_values, k, n, layout::dense);
    chain_place places[3] = {{on, m, n}, {on, m, n}, {on, m, n}};

    void try_chain(const int (&kinds)[3], layout c_layout = layout::dense) {
      const auto c = place(on, std::vector<float>(m * n, 0.5f), m, n, c_layout);
      const double beta = draw(0, 1);
      for (auto& p : places) copy(on.executor, vector(start, 1), p.amax);
      on.run(a.view, b.view, c.view,
             places[0].epilogue(kinds[0]) | places[1].epilogue(kinds[1]) | places[2].epilogue(kinds[2]),
             {.beta = beta});
      std::vector<float> outputs[3];
      for (int p = 0; p < 3; ++p) outputs[p] = written(places[p], kinds[p]);
      const auto got = gather(on, c);
      traced largest[3] = {{0.25, 0}, {0.25, 0}, {0.25, 0}};
      worst_error worst;
      const auto compare = [&](double value, traced want) { worst.compare(value, want.value, want.error); };
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
          const exact_product exact(a_values, b_values, n, k, i, j);
          traced x{exact.sum + beta * 0.5, (k + 3) * 0x1p-22 * exact.magnitude};
          for (int p = 0; p < 3; ++p) {
            x = places[p].expected(kinds[p], x, i, j);
            if (kinds[p] == chain_place::stores || kinds[p] == chain_place::stores_wide) {
              const bool narrow = kinds[p] == chain_place::stores;
              compare(outputs[p][i * n + j],
                      {x.value, x.error * 1.01 + (narrow ? 0x1p-8 * std::fabs(x.value) : 1e-30)});
            }
            largest[p].value = std::max(largest[p].value, std::fabs(x.value));
            largest[p].error = std::max(largest[p].error, x.error + 1e-30);
          }
          compare(got[i * n + j], x);
        }
      for (int p = 0; p < 3; ++p)
        if (kinds[p] == chain_place::takes_amax) compare(on.get(places[p].amax)[0], largest[p]);
      EXPECT_LE(worst.value(), 1) << m << " x " << n << " x " << k << " " << element<T>::name << ", chain " << kinds[0]
                                  << " | " << kinds[1] << " | " << kinds[2];
    }
    std::vector<float> written(const chain_place& p, int kind) {
      if (kind == chain_place::stores_wide) return gather(on, p.stored_wide);
      std::vector<float> result;
      if (kind == chain_place::stores)
        for (const bf16 x : gather(on, p.stored)) result.push_back(convert<float>(x));
      return result;
    }
    static constexpr float start[1] = {0.25f};
  };

  template <class T>
  void all_chains() {
    if (!runs<T>()) return;
    constexpr int kinds = chain_place::kinds;
    problem<T> aligned{*this, 19, 72, 5}, odd{*this, 34, 37, 20};
    for (int kind = 0; kind < kinds; ++kind) {
      aligned.try_chain({kind, 0, 0});
      odd.try_chain({kind, 0, 0}, layouts[draw(0, 4)]);
    }
    // Every ordered pair, and so nearly every third a chain of three.
    problem<T> small{*this, 5, 24, 3};
    for (int i = 0; i < kinds; ++i)
      for (int j = 1; j < kinds; ++j)
        if (i != 0) small.try_chain({i, j, draw(0, 2) ? 0 : draw(1, kinds - 1)});
  }
};
TYPED_TEST_SUITE(gemm_epilogue_on, executors);

TYPED_TEST(gemm_epilogue_on, is_right_alone_and_in_chains_for_f32) { this->template all_chains<float>(); }
TYPED_TEST(gemm_epilogue_on, is_right_alone_and_in_chains_for_bf16) { this->template all_chains<bf16>(); }

TYPED_TEST(gemm_epilogue_on, keeps_what_is_outside_of_C_from_amax) {
  // Sums outside of C are 0: behind the sigmoid they would be 0.5.
  const auto a = place(*this, std::vector<float>(3, 1), 3, 1, layout::dense),
             b = place(*this, std::vector<float>(5, -5), 1, 5, layout::dense),
             c = place(*this, std::vector<float>(15), 3, 5, layout::dense);
  const auto amax = this->put(std::vector<float>{0});
  this->run(a.view, b.view, c.view, epilogue::sigmoid() | epilogue::amax(amax));
  EXPECT_NEAR(this->get(amax)[0], logistic(-5), 1e-7);
}

TYPED_TEST(gemm_epilogue_on, amax_knows_nan_and_infinity) {
  const auto amax_of = [&](float value) {
    const auto a = place(*this, std::vector<float>{1, 2, value}, 3, 1, layout::dense),
               b = place(*this, std::vector<float>(5, 1), 1, 5, layout::dense),
               c = place(*this, std::vector<float>(15), 3, 5, layout::dense);
    const auto amax = this->put(std::vector<float>{1.5f});
    this->run(a.view, b.view, c.view, epilogue::sigmoid() | epilogue::amax(amax));
    this->run(a.view, b.view, c.view, epilogue::none() | epilogue::amax(amax));
    return this->get(amax)[0];
  };
  EXPECT_EQ(amax_of(1), 2);
  EXPECT_EQ(amax_of(-3), 3) << "of magnitudes";
  EXPECT_EQ(amax_of(-INFINITY), INFINITY);
  EXPECT_TRUE(std::isnan(amax_of(NAN)));
}

// The sums are exact on every executor: so are the random bits, and with them every bit of C.
template <class T, class Suite>
std::vector<T> rounded_by_chance(Suite& on, const std::vector<float>& column, int n, std::uint64_t seed) {
  const int m = static_cast<int>(column.size());
  const auto a = place(on, column, m, 1, layout::dense),
             b = place(on, std::vector<float>(n, 1.0f), 1, n, layout::dense),
             c = place(on, std::vector<float>(m * n), m, n, layout::dense);
  on.run(a.view, b.view, c.view, epilogue::stochastic_rounding<T>(seed));
  std::vector<T> result;
  for (const float x : gather(on, c)) {
    result.push_back(convert<T>(x));
    EXPECT_EQ(convert<float>(result.back()), x) << "is a number of the type";
  }
  return result;
}

TYPED_TEST(gemm_epilogue_on, rounds_by_chance_to_both_neighbours_with_the_right_mean) {
  const int n = 2000;
  const std::vector<float> column{1.0f, 1.001f, -1.003f, 1.0078f, 3.14159f, -0.1f, 1000.5f};
  const auto got = rounded_by_chance<bf16>(*this, column, n, 20261122);
  for (std::size_t i = 0; i < column.size(); ++i) {
    const double step = std::exp2(std::floor(std::log2(std::fabs(column[i]))) - 7);
    const double lower = std::floor(column[i] / step) * step, p = (column[i] - lower) / step;
    double mean = 0;
    for (int j = 0; j < n; ++j) {
      const double x = as_double(got[i * n + j]);
      EXPECT_TRUE(x == lower || (x == lower + step && p > 0)) << x << " for " << column[i];
      mean += x / n;
    }
    EXPECT_NEAR(mean, column[i], 5 * step * std::sqrt(p * (1 - p) / n) + 1e-6) << "five standard deviations";
  }
}

TYPED_TEST(gemm_epilogue_on, rounds_by_chance_alike_on_every_executor) {
  std::vector<float> column;
  for (int i = 0; i < 37; ++i) column.push_back((65536 + 91 * i) / 65536.0f);
  std::uint32_t hash = 2166136261u;  // FNV-1a
  for (const bf16 x : rounded_by_chance<bf16>(*this, column, 75, 0x123456789abcdef0))
    hash = (hash ^ reinterpret<std::uint16_t>(x)) * 16777619u;
  EXPECT_EQ(hash, 0xb52ae315u) << "as a program of its own computed it";
}

TYPED_TEST(gemm_epilogue_on, writes_C_in_bf16_rounded_by_chance) {
  if (!this->template runs<bf16>()) return;
  const auto a = place(*this, std::vector<bf16>(34, convert<bf16>(1.0078125f)), 34, 1, layout::dense),
             b = place(*this, std::vector<bf16>(40, convert<bf16>(1.0078125f)), 1, 40, layout::dense),
             c = place(*this, std::vector<bf16>(34 * 40), 34, 40, layout::dense);
  this->run(a.view, b.view, c.view, epilogue::stochastic_rounding<bf16>(5));
  int up = 0;
  for (const bf16 x : gather(*this, c)) {  // 1 + 2 / 128 + 1 / 16384
    EXPECT_TRUE(as_double(x) == 1.015625 || as_double(x) == 1.0234375) << as_double(x);
    up += as_double(x) > 1.02;
  }
  EXPECT_NEAR(up, 1360 / 128.0, 5 * std::sqrt(1360 / 128.0)) << "to nearest it would be 0";
}

// --- refusals

template <class Executor>
class gemm_epilogue_refusals_on : public on_executor<Executor> {};
TYPED_TEST_SUITE(gemm_epilogue_refusals_on, gpus);

TYPED_TEST(gemm_epilogue_refusals_on, name_the_operand_and_what_it_must_be) {
  const auto a = place(*this, draw_values<float>(12), 3, 4, layout::dense),
             b = place(*this, draw_values<float>(20), 4, 5, layout::dense),
             c = place(*this, std::vector<float>(15, 7.0f), 3, 5, layout::dense),
             other = place(*this, std::vector<float>(20, 7.0f), 4, 5, layout::dense),
             fits = place(*this, std::vector<float>(15, 7.0f), 3, 5, layout::dense);
  const auto says = [&](const auto& e) {
    return validate(this->executor, [&](const auto& x) { gemm<simt_tiles>(x, a.view, b.view, c.view, e); });
  };
  const auto amax = this->put(std::vector<float>{0}), two = this->put(std::vector<float>{0, 0});
  namespace e = epilogue;
  namespace f = activation;
  EXPECT_EQ(says(e::row_bias(two) | e::relu()), "gemm: the epilogue's bias of rows has 2 elements; it must have m = 3");
  EXPECT_EQ(says(e::residual(other.view)), "gemm: the epilogue's residual is 4 x 5; it must be m x n = 3 x 5");
  EXPECT_EQ(says(e::times_gradient<f::gelu>(a.view)),
            "gemm: the epilogue's pre-activation is 3 x 4; it must be m x n = 3 x 5");
  EXPECT_EQ(says(e::relu() | e::store(other.view)),
            "gemm: the epilogue's stored matrix is 4 x 5; it must be m x n = 3 x 5");
  EXPECT_EQ(says(e::amax(two)), "gemm: the epilogue's amax has 2 elements; it must have 1");
  EXPECT_EQ(says(e::residual(c.view)), "gemm: C shares an element with the epilogue's residual; the two must be apart");
  EXPECT_EQ(says(e::store(c.view)),
            "gemm: C shares an element with the epilogue's stored matrix; the two must be apart");
  EXPECT_EQ(says(e::store(fits.view) | e::times_gradient<f::relu>(fits.view)),
            "gemm: the epilogue's stored matrix shares an element with the epilogue's pre-activation; the two must be "
            "apart");
  EXPECT_EQ(says(e::store(fits.view) | e::amax(vector(fits.view.pointer + 7, 1))),
            "gemm: the epilogue's stored matrix shares an element with the epilogue's amax; the two must be apart");
  EXPECT_EQ(says(e::amax(vector(b.view.pointer, 1))),
            "gemm: the epilogue's amax shares an element with B; the two must be apart");
  EXPECT_EQ(says(e::amax(vector(static_cast<float*>(nullptr), 1))),
            "the epilogue's amax is a null view of size 1 x 1; it must point to its elements");
  auto folded = rows(other.view, 0, 3);
  folded.strides[0] = 0;
  EXPECT_EQ(says(e::store(folded)),
            "the epilogue's stored matrix is written, but a stride of 0 gives several of its elements one place; each "
            "must have its own");
  EXPECT_FALSE(says(e::residual(folded) | e::store(fits.view) | e::amax(amax))) << "what is read may be folded";
}

}  // namespace
