// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The epilogues of a GEMM against double references: each alone, every ordered pair and drawn chains of three, through
// each mainloop; extra matrices of every layout; what they refuse.
#include "tests/epilogue_choice.hpp"
#include "tests/gemm_reference.hpp"

#include <tilery/activation.hpp>
#include <tilery/gemm.hpp>
#include <tilery/validate.hpp>

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

template <class Executor>
class gemm_epilogue_on : public on_executor<Executor> {
public:
  using chain_place = place_in_chain<on_executor<Executor>>;
  static constexpr bool host = Executor::uses_cpu_kernels;

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
    return host || std::is_same_v<T, float> || has_features(this->executor.target(), features::mma_f16);
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
      for (auto& p : places) p.start(on);
      on.run(a.view, b.view, c.view,
             places[0].epilogue(kinds[0]) | places[1].epilogue(kinds[1]) | places[2].epilogue(kinds[2]),
             {.beta = beta});
      std::vector<float> outputs[3];
      for (int p = 0; p < 3; ++p) outputs[p] = places[p].written(on, kinds[p]);
      const auto got = gather(on, c);
      typename chain_place::totals totals[3] = {{places[0], kinds[0]}, {places[1], kinds[1]}, {places[2], kinds[2]}};
      worst_error worst;
      const auto compare = [&](double value, traced want) { worst.compare(value, want.value, want.error); };
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
          const exact_product exact(a_values, b_values, n, k, i, j);
          traced x{exact.sum + beta * 0.5, (k + 3) * 0x1p-22 * exact.magnitude + beta * 0x1p-24};
          for (int p = 0; p < 3; ++p) {
            x = places[p].expected(kinds[p], x, i, j);
            if (!outputs[p].empty()) compare(outputs[p][i * n + j], chain_place::stored_from(kinds[p], x));
            totals[p].add(x, j);
          }
          compare(got[i * n + j], x);
        }
      for (const auto& t : totals) t.compare(on, worst);
      EXPECT_LE(worst.value(), 1) << m << " x " << n << " x " << k << " " << element<T>::name << ", chain " << kinds[0]
                                  << " | " << kinds[1] << " | " << kinds[2];
    }
  };

  template <class T>
  void all_chains() {
    if (!runs<T>()) return;
    constexpr int kinds = epilogue_count;
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
  EXPECT_EQ(says(e::row_bias(two) | e::relu()), "gemm: the epilogue's row bias has 2 elements; it must have m = 3");
  EXPECT_EQ(says(e::residual(other.view)), "gemm: the epilogue's residual is 4 x 5; it must be m x n = 3 x 5");
  EXPECT_EQ(says(e::times_gradient<f::gelu>(a.view)),
            "gemm: the epilogue's pre-activation is 3 x 4; it must be m x n = 3 x 5");
  EXPECT_EQ(says(e::relu() | e::store(other.view)),
            "gemm: the epilogue's stored matrix is 4 x 5; it must be m x n = 3 x 5");
  EXPECT_EQ(says(e::amax(two)), "gemm: the epilogue's amax has 2 elements; it must have 1");
  EXPECT_EQ(says(e::residual(c.view)),
            "gemm: C shares an element with the epilogue's residual; the two must not overlap");
  EXPECT_EQ(says(e::store(c.view)),
            "gemm: C shares an element with the epilogue's stored matrix; the two must not overlap");
  EXPECT_EQ(says(e::store(fits.view) | e::times_gradient<f::relu>(fits.view)),
            "gemm: the epilogue's stored matrix shares an element with the epilogue's pre-activation; the two must "
            "not overlap");
  EXPECT_EQ(says(e::store(fits.view) | e::amax(vector(fits.view.pointer + 7, 1))),
            "gemm: the epilogue's stored matrix shares an element with the epilogue's amax; the two must not overlap");
  EXPECT_EQ(says(e::amax(vector(b.view.pointer, 1))),
            "gemm: the epilogue's amax shares an element with B; the two must not overlap");
  EXPECT_EQ(says(e::amax(vector(static_cast<float*>(nullptr), 1))),
            "gemm: the epilogue's amax is a null view of size 1; it must point to its elements");
  auto folded = rows(other.view, 0, 3);
  folded.strides[0] = 0;
  EXPECT_EQ(
      says(e::store(folded)),
      "gemm: the epilogue's stored matrix is written, but several of its elements have the same address because of "
      "its strides 0, 1; each must have its own");
  EXPECT_FALSE(says(e::residual(folded) | e::store(fits.view) | e::amax(amax))) << "what is read may be folded";
  EXPECT_EQ(says(e::scale(NAN)), "gemm: the epilogue's scale: its factor is nan; it must be a finite f64");
  EXPECT_EQ(says(e::residual(fits.view, INFINITY)),
            "gemm: the epilogue's residual: its factor is inf; it must be a finite f64");
  EXPECT_EQ(says(e::bias_gradient(vector(fits.view.pointer, 5), NAN)),
            "gemm: the epilogue's bias gradient: its beta is nan; it must be a finite f64");
}

template <class Executor>
class gemm_epilogue_choices_on : public on_executor<Executor> {};
TYPED_TEST_SUITE(gemm_epilogue_choices_on, executors);

/// The policy of one small GEMM.
template <class Executor>
constexpr auto policy_of() {
  if constexpr (Executor::uses_cpu_kernels)
    return gemm_cpu_table<float>::candidates[0];
  else
    return simt_tiles;
}

/// A program's own activation: x^3.
struct cube {
  template <class V>
  TILERY_SIMT static V value(V x) {
    return x * x * x;
  }
  template <class V>
  TILERY_SIMT static V derivative(V x) {
    return x * x * math::scalar<V>(3);
  }
};

TYPED_TEST(gemm_epilogue_choices_on, take_an_activation_of_the_program_forward_and_backward) {
  constexpr auto policy = policy_of<TypeParam>();
  std::vector<float> z_values(3 * 5);
  for (int i = 0; i < 15; ++i) z_values[i] = static_cast<float>(i - 7);
  const auto ones = place(*this, std::vector<float>(3 * 4, 1), 3, 4, layout::dense),
             halves = place(*this, std::vector<float>(4 * 5, 0.5f), 4, 5, layout::dense),
             z = place(*this, z_values, 3, 5, layout::dense),
             c = place(*this, std::vector<float>(3 * 5), 3, 5, layout::dense),
             y = place(*this, std::vector<float>(3 * 5), 3, 5, layout::dense),
             dz = place(*this, std::vector<float>(3 * 5), 3, 5, layout::dense);
  gemm<policy>(this->executor, ones.view, halves.view, c.view,
               epilogue::activate<cube>() | epilogue::times_gradient<cube>(z.view));
  activate<cube>(this->executor, z.view, y.view);
  activate_backward<cube>(this->executor, z.view, y.view, dz.view);
  const auto got = gather(*this, c), got_y = gather(*this, y), got_dz = gather(*this, dz);
  for (int i = 0; i < 15; ++i) {
    const float x = z_values[i];
    EXPECT_EQ(got[i], 8 * 3 * x * x) << i;  // each sum is 2
    EXPECT_EQ(got_y[i], x * x * x) << i;
    EXPECT_EQ(got_dz[i], x * x * x * 3 * x * x) << i;
  }
}

// 0 times infinity or NaN would be NaN: a factor of 0 and the derivative of relu choose.
TYPED_TEST(gemm_epilogue_choices_on, let_no_infinity_through_that_was_not_chosen) {
  constexpr auto policy = policy_of<TypeParam>();
  std::vector<float> a_values(3 * 4, 1), z_values(3 * 5, 1);
  a_values[4] = INFINITY, a_values[8] = NAN;  // rows 1 and 2 of C
  for (const int i : {5, 7, 10, 12}) z_values[i] = i == 7 ? 0 : -2;
  const auto a = place(*this, a_values, 3, 4, layout::dense),
             b = place(*this, std::vector<float>(4 * 5, 0.5f), 4, 5, layout::dense),
             r = place(*this, std::vector<float>(3 * 5, NAN), 3, 5, layout::dense),
             z = place(*this, z_values, 3, 5, layout::dense),
             c = place(*this, std::vector<float>(3 * 5, 7), 3, 5, layout::dense);
  gemm<policy>(this->executor, a.view, b.view, c.view,
               epilogue::residual(r.view, 0) | epilogue::times_gradient<activation::relu>(z.view));
  const auto got = gather(*this, c);
  for (int i = 0; i < 15; ++i) {
    if (z_values[i] <= 0)
      EXPECT_EQ(got[i], 0) << i;
    else if (i < 10)
      EXPECT_EQ(got[i], i < 5 ? 2 : INFINITY) << i;
    else
      EXPECT_TRUE(std::isnan(got[i])) << i;
  }
}

}  // namespace
