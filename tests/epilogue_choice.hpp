// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All epilogues of a GEMM as one whose kind is chosen at run time, so that one kernel serves them all; their operands,
// and what they must make of a number, in double.
#pragma once

#include "tests/layouts.hpp"
#include "tests/worst_error.hpp"

#include <tilery/tile/epilogue.hpp>

#include <string>

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

/// One of several epilogues, chosen at run time: a kernel is compiled once for all of them.
template <class... E>
struct any_of;
template <class First, class... Rest>
struct any_of<First, Rest...> : tilery::epilogue::step {
  static constexpr bool sums_columns = First::sums_columns || any_of<Rest...>::sums_columns;
  int index;
  First first;
  any_of<Rest...> rest;
  TILERY_SIMT any_of(int i, First a, Rest... others) : index(i), first(a), rest(i - 1, others...) {}
  TILERY_SIMT any_of(int i, First a, any_of<Rest...> others) : index(i), first(a), rest(others) {}

  template <class S, int N, int Columns>
  TILERY_SIMT auto in_tile() const {
    return with(index, tilery::epilogue::in_tile<S, N, Columns>(first), rest.template in_tile<S, N, Columns>());
  }

  template <class Lane, class T, int N>
  TILERY_SIMT tilery::pack<T, N> operator()(Lane lane, tilery::pack<T, N> x, int row, int column) {
    return index == 0 ? first(lane, x, row, column) : rest(lane, x, row, column);
  }
  template <class Lane>
  TILERY_SIMT void end(Lane lane) {
    index == 0 ? first.end(lane) : rest.end(lane);
  }
  template <class F>
  void for_totals(F&& f) {
    index == 0 ? first.for_totals(f) : rest.for_totals(f);
  }
  void shape(int m, int n) { first.shape(m, n), rest.shape(m, n); }
  void describe(tilery::operands& all) const { index == 0 ? first.describe(all) : rest.describe(all); }
  tilery::finding check(int m, int n) const { return index == 0 ? first.check(m, n) : rest.check(m, n); }

private:
  template <class One, class... Others>
  TILERY_SIMT static any_of<One, Others...> with(int i, const One& one, const any_of<Others...>& others) {
    return {i, one, others};
  }
};
template <>
struct any_of<> : tilery::epilogue::none {
  TILERY_SIMT explicit any_of(int) {}
  template <class S, int N, int Columns>
  TILERY_SIMT any_of in_tile() const {
    return *this;
  }
};

/// One of all epilogues, with operands of these types; its code stands once, wherever in a chain it is, and its name is
/// short: it is part of the name of everything in a kernel.
using any_epilogue =
    any_of<tilery::epilogue::none, tilery::epilogue::scale, tilery::epilogue::bias<float>,
           tilery::epilogue::row_bias<tilery::bf16>, tilery::epilogue::residual<float>,
           tilery::epilogue::residual<tilery::bf16>, tilery::epilogue::relu, tilery::epilogue::gelu,
           tilery::epilogue::gelu_tanh, tilery::epilogue::silu, tilery::epilogue::sigmoid, tilery::epilogue::tanh,
           tilery::epilogue::gradient<tilery::activation::relu, float>,
           tilery::epilogue::gradient<tilery::activation::gelu, float>,
           tilery::epilogue::gradient<tilery::activation::gelu_tanh, float>,
           tilery::epilogue::gradient<tilery::activation::silu, float>,
           tilery::epilogue::gradient<tilery::activation::sigmoid, float>,
           tilery::epilogue::gradient<tilery::activation::tanh, float>, tilery::epilogue::store<tilery::bf16>,
           tilery::epilogue::store<float>, tilery::epilogue::amax, rounding_of_floats, checkerboard,
           tilery::epilogue::bias_gradient<float>>;
template <class Any>
struct one_text : Any {
  TILERY_SIMT explicit one_text(const Any& any) : Any(any) {}
  template <class Lane, class T, int N>
#ifdef __CUDACC__
  __host__ __device__
#endif
      __attribute__((noinline)) tilery::pack<T, N>
      operator()(Lane lane, tilery::pack<T, N> x, int row, int column) {
    return Any::operator()(lane, x, row, column);
  }
};
struct chosen_epilogue : any_epilogue {
  using any_epilogue::any_epilogue;
  template <class S, int N, int Columns>
  TILERY_SIMT auto in_tile() const {
    return one_text(any_epilogue::in_tile<S, N, Columns>());
  }
};

inline double cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }
inline const double slope_at_0 = std::sqrt(8 / M_PI);  // of gelu_tanh's 2 u

/// An activation and its derivative.
struct formulas {
  const char* name;
  double (*value)(double);
  double (*slope)(double);
};
inline const formulas activations[] = {
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

/// A number and what the op's may differ from it.
struct traced {
  double value, error;
};

/// What `place_in_chain` has to choose from, in its order.
inline constexpr const char* epilogue_names[] = {"none",
                                                 "scale",
                                                 "bias",
                                                 "row_bias",
                                                 "residual",
                                                 "residual_bf16",
                                                 "relu",
                                                 "gelu",
                                                 "gelu_tanh",
                                                 "silu",
                                                 "sigmoid",
                                                 "tanh",
                                                 "relu_gradient",
                                                 "gelu_gradient",
                                                 "gelu_tanh_gradient",
                                                 "silu_gradient",
                                                 "sigmoid_gradient",
                                                 "tanh_gradient",
                                                 "store_bf16",
                                                 "store_f32",
                                                 "amax",
                                                 "round_by_chance",
                                                 "checkerboard",
                                                 "bias_gradient"};

/// The extra operands of one place in a chain, for C of m x n. Each layout is drawn.
template <class Fixture>
struct place_in_chain {
  int m, n;
  std::vector<float> bias = draw_values<float>(n), residual = draw_values<float>(m * n),
                     z = draw_values<float>(m * n, -4, 4);
  std::vector<tilery::bf16> rows = draw_values<tilery::bf16>(m), wide = draw_values<tilery::bf16>(m * n);
  placed<float> bias_at, residual_at, z_at, stored_wide;
  placed<tilery::bf16> rows_at, wide_at, stored;
  tilery::buffer<float> amax;
  std::vector<float> old_sums = draw_values<float>(n);
  placed<float> sums_at;

  place_in_chain(const Fixture& on, int rows_of_c, int columns_of_c) : m(rows_of_c), n(columns_of_c) {
    const auto any = [] { return layouts[draw(0, 4)]; };
    bias_at = place(on, bias, 1, n, any());
    rows_at = place(on, rows, 1, m, any());
    residual_at = place(on, residual, m, n, any());
    wide_at = place(on, wide, m, n, any());
    z_at = place(on, z, m, n, any());
    stored = place(on, std::vector<tilery::bf16>(m * n), m, n, any());
    stored_wide = place(on, std::vector<float>(m * n), m, n, any());
    start(on);
  }
  /// What is added to begins anew.
  void start(const Fixture& on) {
    amax = on.put(std::vector<float>{first_amax});
    sums_at = place(on, old_sums, 1, n, layouts[draw(0, 4)]);
  }

  static constexpr float first_amax = 0.25f, sums_beta = -0.5f;
  static constexpr int stores = 18, stores_wide = 19, takes_amax = 20, rounds = 21, sums = 23, kinds = 24;
  static_assert(std::size(epilogue_names) == kinds);

  template <class T>
  static tilery::vector_view<T> as_vector(const placed<T>& p) {
    tilery::vector_view<T> result(p.view.pointer, p.view.extents[1]);
    result.strides[0] = p.view.strides[1];
    return result;
  }
  chosen_epilogue epilogue(int kind) const {
    namespace e = tilery::epilogue;
    namespace a = tilery::activation;
    return {kind,
            e::none(),
            e::scale(-1.5),
            e::bias(as_vector(bias_at)),
            e::row_bias(as_vector(rows_at)),
            e::residual(residual_at.view, 0.5),
            e::residual(wide_at.read()),
            e::relu(),
            e::gelu(),
            e::gelu_tanh(),
            e::silu(),
            e::sigmoid(),
            e::tanh(),
            e::times_gradient<a::relu>(z_at.view),
            e::times_gradient<a::gelu>(z_at.view),
            e::times_gradient<a::gelu_tanh>(z_at.view),
            e::times_gradient<a::silu>(z_at.read()),
            e::times_gradient<a::sigmoid>(z_at.view),
            e::times_gradient<a::tanh>(z_at.view),
            e::store(stored.view),
            e::store(stored_wide.view),
            e::amax(amax),
            rounding_of_floats(7),
            checkerboard(),
            e::bias_gradient(as_vector(sums_at), sums_beta)};
  }
  /// What that makes of a number at (i, j), and how far off it may be then, computed with this unit: no slope is above
  /// 1.2.
  traced expected(int kind, traced x, int i, int j, double unit = 0x1p-24) const {
    const double eps = 32 * unit;
    const auto off = [&](double value, double error) { return traced{value, error + eps * (1 + std::fabs(value))}; };
    switch (kind) {
      case 1: return off(-1.5 * x.value, 1.5 * x.error);
      case 2: return off(x.value + bias[j], x.error);
      case 3: return off(x.value + as_double(rows[i]), x.error);
      case 4: return off(x.value + 0.5 * residual[i * n + j], x.error);
      case 5: return off(x.value + as_double(wide[i * n + j]), x.error);
      case rounds: return off(x.value, x.error + 0x1p-7 * (std::fabs(x.value) + x.error));
      case 22: return {(i + j) % 2 ? -x.value : x.value, x.error};
    }
    if (kind >= 6 && kind < 12) return off(activations[kind - 6].value(x.value), 1.2 * x.error);
    if (kind >= 12 && kind < 18) return off(x.value * activations[kind - 12].slope(z[i * n + j]), 1.2 * x.error);
    return x;
  }
  /// What has been stored beside C; nothing, if this kind stores nothing.
  std::vector<float> written(const Fixture& on, int kind) const {
    if (kind == stores_wide) return gather(on, stored_wide);
    std::vector<float> result;
    if (kind == stores)
      for (const tilery::bf16 x : gather(on, stored)) result.push_back(tilery::convert<float>(x));
    return result;
  }
  /// What may be stored where the number is x.
  static traced stored_from(int kind, traced x) {
    return {x.value, x.error * 1.01 + (kind == stores ? 0x1p-8 : 0x1p-24) * std::fabs(x.value) + 1e-30};
  }

  /// What this place makes of all numbers that come to it: their largest magnitude, and the sums of columns.
  class totals {
  public:
    totals(const place_in_chain& place, int kind) : place_(place), kind_(kind), sums_(place.n) {}

    void add(traced x, int column) {
      largest_.value = std::max(largest_.value, std::fabs(x.value));
      largest_.error = std::max(largest_.error, x.error + 0x1p-24 * std::fabs(x.value) + 1e-30);
      traced& sum = sums_[static_cast<std::size_t>(column)];
      sum.value += x.value, sum.error += x.error + 64 * 0x1p-24 * std::fabs(x.value);
    }
    void compare(const Fixture& on, worst_error& worst) const {
      if (kind_ == place_.takes_amax) worst.compare(on.get(place_.amax)[0], largest_.value, largest_.error);
      if (kind_ != place_.sums) return;
      const auto got = gather(on, place_.sums_at);
      for (std::size_t j = 0; j < sums_.size(); ++j) {
        const double want = sums_[j].value + place_.sums_beta * place_.old_sums[j];
        worst.compare(got[j], want, sums_[j].error + 0x1p-23 * (std::fabs(want) + std::fabs(place_.old_sums[j])));
      }
    }

  private:
    const place_in_chain& place_;
    int kind_;
    traced largest_{first_amax, 0};
    std::vector<traced> sums_;
  };
};

}  // namespace tilery_tests
