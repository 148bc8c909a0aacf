// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The epilogues of a GEMM as a table: a row is an epilogue's name, how it is built from operands, and what it must make
// of a number, in double. The tests of chains and gemm_pairs.txt use the table; a new epilogue is a new row.
#pragma once

#include "tests/layouts.hpp"

#include <tilery/tile/epilogue.hpp>

#include <array>
#include <string>
#include <tuple>

namespace tilery_tests {

/// A user's epilogue: a call operator, and no more.
struct checkerboard : tilery::epilogue::step {
  template <class Lane, class T, int N>
  TILERY_SIMT tilery::pack<T, N> operator()(Lane, tilery::pack<T, N> x, int row, int column) const {
    for (int i = 0; i < N; ++i) x.set(i, (row + column + i) % 2 ? -x[i] : x[i]);
    return x;
  }
};

/// Rounds sums of float by chance. Sums of double, which the library refuses to round so, are left as they are, for the
/// kernel of double has all kinds, too.
struct rounding_of_floats : tilery::epilogue::stochastic_rounding<tilery::bf16> {
  using rounding = tilery::epilogue::stochastic_rounding<tilery::bf16>;
  using rounding::rounding;
  template <class Lane, class T, int N>
  TILERY_SIMT tilery::pack<T, N> operator()(Lane lane, tilery::pack<T, N> x, int row, int column) const {
    if constexpr (std::is_same_v<T, float>)
      return rounding::operator()(lane, x, row, column);
    else
      return x;
  }
};

inline double cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// The activations and their derivatives.
namespace formulas {

inline double relu(double x) { return x > 0 ? x : 0; }
inline double relu_slope(double x) { return x > 0 ? 1 : 0; }
inline double gelu(double x) { return x * cdf(x); }
inline double gelu_slope(double x) { return cdf(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }
/// 2 u of gelu_tanh(x) = x / 2 (1 + tanh(u)).
inline double gelu_tanh_argument(double x) { return std::sqrt(8 / M_PI) * (x + 0.044715 * x * x * x); }
inline double gelu_tanh(double x) { return x / 2 * (1 + std::tanh(gelu_tanh_argument(x) / 2)); }
inline double gelu_tanh_slope(double x) {
  const double s = logistic(gelu_tanh_argument(x));
  return s + x * s * (1 - s) * std::sqrt(8 / M_PI) * (1 + 3 * 0.044715 * x * x);
}
inline double silu(double x) { return x * logistic(x); }
inline double silu_slope(double x) { return logistic(x) * (1 + x * (1 - logistic(x))); }
inline double sigmoid(double x) { return logistic(x); }
inline double sigmoid_slope(double x) { return logistic(x) * (1 - logistic(x)); }
inline double tanh(double x) { return std::tanh(x); }
inline double tanh_slope(double x) { return 1 - std::tanh(x) * std::tanh(x); }

}  // namespace formulas

/// A number, and the error that the op's may have.
struct traced {
  double value, error;
};

/// The operands of one place in a chain of epilogues, for C of m x n: the values, and where an executor has them.
struct epilogue_operands {
  int m, n;
  std::vector<float> bias = draw_values<float>(n), residual = draw_values<float>(m * n),
                     z = draw_values<float>(m * n, -4, 4);
  std::vector<tilery::bf16> rows = draw_values<tilery::bf16>(m), wide = draw_values<tilery::bf16>(m * n);
  std::vector<float> old_sums = draw_values<float>(n);
  placed<float> bias_at{}, residual_at{}, z_at{}, stored_wide{}, sums_at{};
  placed<tilery::bf16> rows_at{}, wide_at{}, stored{};
  tilery::buffer<float> amax{};

  static constexpr float first_amax = 0.25f, sums_beta = -0.5f;

  template <class T>
  static tilery::vector_view<T> as_vector(const placed<T>& p) {
    tilery::vector_view<T> result(p.view.pointer, p.view.extents[1]);
    result.strides[0] = p.view.strides[1];
    return result;
  }
};

/// The output of an epilogue besides the numbers that it passes on.
enum class side_output { none, bf16_matrix, f32_matrix, largest_magnitude, column_sums };

/// What an epilogue makes of x at (i, j); `eps` is the error of its arithmetic, relative to 1 + |value|.
using epilogue_reference = traced (*)(const epilogue_operands& at, traced x, int i, int j, double eps);

template <class Epilogue>
struct epilogue_row {
  const char* name;
  Epilogue (*make)(const epilogue_operands& at);
  epilogue_reference expected;
  side_output writes = side_output::none;
};
template <class Epilogue>
epilogue_row(const char*, Epilogue (*)(const epilogue_operands&), epilogue_reference, side_output = side_output::none)
    -> epilogue_row<Epilogue>;

namespace references {

inline traced computed(double value, double error, double eps) { return {value, error + eps * (1 + std::fabs(value))}; }
inline traced same(const epilogue_operands&, traced x, int, int, double) { return x; }

/// An activation of x. No slope is above 1.2.
template <double (*Value)(double)>
traced activated(const epilogue_operands&, traced x, int, int, double eps) {
  return computed(Value(x.value), 1.2 * x.error, eps);
}
/// x times an activation's derivative at z.
template <double (*Slope)(double)>
traced times_slope(const epilogue_operands& at, traced x, int i, int j, double eps) {
  return computed(x.value * Slope(at.z[i * at.n + j]), 1.2 * x.error, eps);
}

}  // namespace references

/// All epilogues. A plus makes a pointer of a lambda, so that each row has a type that nvcc can name.
inline constexpr auto epilogue_table = [] {
  namespace e = tilery::epilogue;
  namespace a = tilery::activation;
  namespace r = references;
  namespace f = formulas;
  using at_type = const epilogue_operands&;
  return std::tuple{epilogue_row{"none", +[](at_type) { return e::none(); }, r::same},
                    epilogue_row{"scale", +[](at_type) { return e::scale(-1.5); },
                                 [](at_type, traced x, int, int, double eps) {
                                   return r::computed(-1.5 * x.value, 1.5 * x.error, eps);
                                 }},
                    epilogue_row{"bias", +[](at_type at) { return e::bias(at.as_vector(at.bias_at)); },
                                 [](at_type at, traced x, int, int j, double eps) {
                                   return r::computed(x.value + at.bias[j], x.error, eps);
                                 }},
                    epilogue_row{"row_bias", +[](at_type at) { return e::row_bias(at.as_vector(at.rows_at)); },
                                 [](at_type at, traced x, int i, int, double eps) {
                                   return r::computed(x.value + as_double(at.rows[i]), x.error, eps);
                                 }},
                    epilogue_row{"residual", +[](at_type at) { return e::residual(at.residual_at.view, 0.5); },
                                 [](at_type at, traced x, int i, int j, double eps) {
                                   return r::computed(x.value + 0.5 * at.residual[i * at.n + j], x.error, eps);
                                 }},
                    epilogue_row{"residual_bf16", +[](at_type at) { return e::residual(at.wide_at.read()); },
                                 [](at_type at, traced x, int i, int j, double eps) {
                                   return r::computed(x.value + as_double(at.wide[i * at.n + j]), x.error, eps);
                                 }},
                    epilogue_row{"relu", +[](at_type) { return e::relu(); }, r::activated<f::relu>},
                    epilogue_row{"gelu", +[](at_type) { return e::gelu(); }, r::activated<f::gelu>},
                    epilogue_row{"gelu_tanh", +[](at_type) { return e::gelu_tanh(); }, r::activated<f::gelu_tanh>},
                    epilogue_row{"silu", +[](at_type) { return e::silu(); }, r::activated<f::silu>},
                    epilogue_row{"sigmoid", +[](at_type) { return e::sigmoid(); }, r::activated<f::sigmoid>},
                    epilogue_row{"tanh", +[](at_type) { return e::tanh(); }, r::activated<f::tanh>},
                    epilogue_row{"relu_gradient", +[](at_type at) { return e::times_gradient<a::relu>(at.z_at.view); },
                                 r::times_slope<f::relu_slope>},
                    epilogue_row{"gelu_gradient", +[](at_type at) { return e::times_gradient<a::gelu>(at.z_at.view); },
                                 r::times_slope<f::gelu_slope>},
                    epilogue_row{"gelu_tanh_gradient",
                                 +[](at_type at) { return e::times_gradient<a::gelu_tanh>(at.z_at.view); },
                                 r::times_slope<f::gelu_tanh_slope>},
                    epilogue_row{"silu_gradient",
                                 +[](at_type at) { return e::times_gradient<a::silu>(at.z_at.read()); },
                                 r::times_slope<f::silu_slope>},
                    epilogue_row{"sigmoid_gradient",
                                 +[](at_type at) { return e::times_gradient<a::sigmoid>(at.z_at.view); },
                                 r::times_slope<f::sigmoid_slope>},
                    epilogue_row{"tanh_gradient", +[](at_type at) { return e::times_gradient<a::tanh>(at.z_at.view); },
                                 r::times_slope<f::tanh_slope>},
                    epilogue_row{"store_bf16", +[](at_type at) { return e::store(at.stored.view); }, r::same,
                                 side_output::bf16_matrix},
                    epilogue_row{"store_f32", +[](at_type at) { return e::store(at.stored_wide.view); }, r::same,
                                 side_output::f32_matrix},
                    epilogue_row{"amax", +[](at_type at) { return e::amax(at.amax); }, r::same,
                                 side_output::largest_magnitude},
                    epilogue_row{"round_by_chance", +[](at_type) { return rounding_of_floats(7); },
                                 [](at_type, traced x, int, int, double eps) {
                                   return r::computed(x.value, x.error + 0x1p-7 * (std::fabs(x.value) + x.error), eps);
                                 }},
                    epilogue_row{"checkerboard", +[](at_type) { return checkerboard(); },
                                 [](at_type, traced x, int i, int j, double) {
                                   return traced{(i + j) % 2 ? -x.value : x.value, x.error};
                                 }},
                    epilogue_row{"bias_gradient",
                                 +[](at_type at) { return e::bias_gradient(at.as_vector(at.sums_at), at.sums_beta); },
                                 r::same, side_output::column_sums}};
}();
inline constexpr int epilogue_count = std::tuple_size_v<decltype(epilogue_table)>;

/// What a row says at run time; the rows' order is that of the table.
struct epilogue_facts {
  const char* name;
  epilogue_reference expected;
  side_output writes;
};
inline constexpr std::array epilogues =
    std::apply([](const auto&... row) { return std::array{epilogue_facts{row.name, row.expected, row.writes}...}; },
               epilogue_table);

inline std::vector<std::string> epilogue_names() {
  std::vector<std::string> names;
  for (const epilogue_facts& row : epilogues) names.push_back(row.name);
  return names;
}

}  // namespace tilery_tests
