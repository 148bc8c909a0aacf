// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Epilogue steps that compute a new value from each value x: scale, activation, bias, residual, gradient of an
// activation. x is alpha A B + beta C, or the result of the step before.
#pragma once
#pragma GCC system_header

#include <tilery/core/factor.hpp>
#include <tilery/tile/activation.hpp>
#include <tilery/tile/epilogue_operand.hpp>
#include <tilery/tile/epilogue_step.hpp>

#include <type_traits>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// Checks the factor of a step for values of type S: if C is s32, S is an integer, and so must be the factor.
template <class S>
finding check_factor(const char* name_of_step, double factor) {
  if (!std::is_integral_v<S> || is_whole(factor)) return {};
  return {name_of_step, ": its factor is ", factor, "; it must be a whole number of 32 bits, because C is s32"};
}

/// x times a finite factor, which is converted to the type of x: the accumulation type, or for int8 with a C that is
/// not s32, float. If C is s32, the factor must be a whole number. If the factor is 0, an infinite x gives NaN. To
/// leave out the product A B, set the GEMM's alpha to 0: the GEMM then reads neither A nor B.
struct scale : step {
  double factor;
  explicit scale(double by) : factor(by) {}
  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane, pack<T, N> x, int, int) const {
    return x * static_cast<T>(factor);
  }
  finding check(int, int) const { return check_finite<double>("the epilogue's scale", "its factor", factor); }
  template <class S>
  finding check_sums() const {
    return check_factor<S>("the epilogue's scale", factor);
  }
};

/// f(x) for an activation f, element by element. tile/activation.hpp has the formulas, and says how a program writes an
/// activation of its own.
template <class Activation>
struct activate : step {
  using activation_type = Activation;
  static constexpr bool is_backward = false;
  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane, pack<T, N> x, int, int) const {
    return activation::value_of<Activation>(x);
  }
};

/// x plus a vector with one element for each column of C (n of them), of any type and stride. The elements are
/// converted to the type of x; if C is s32, that drops their fractions.
template <class T>
struct bias : step {
  operand_matrix<const T> values;

  template <tensor_like<1> V>
  explicit bias(const V& v, where at = {}) : values(tensor_view<const T, 1>(tilery::view(v, at))) {}

  template <class Lane, class S, int N>
  TILERY_SIMT pack<S, N> operator()(Lane lane, pack<S, N> x, int, int column) const {
    return x + values.template load<S, N>(lane, 0, column);
  }
  void describe(operands& all) const { all.push_back(values.described_vector("the epilogue's bias")); }
  finding check(int, int n) const {
    if (values.columns() == n) return {};
    return {"the epilogue's bias has ", values.columns(), " elements; it must have n = ", n};
  }
};
template <class V>
bias(const V&) -> bias<std::remove_const_t<element_type_of<V>>>;

/// x plus a vector with one element for each row of C (m of them), of any type and stride. The elements are converted
/// as in `bias`.
template <class T>
struct row_bias : step {
  operand_matrix<const T> values;

  template <tensor_like<1> V>
  explicit row_bias(const V& v, where at = {}) : values(tensor_view<const T, 1>(tilery::view(v, at))) {}

  template <class Lane, class S, int N>
  TILERY_SIMT pack<S, N> operator()(Lane lane, pack<S, N> x, int row, int) const {
    return x + values.template load<S, 1>(lane, 0, row)[0];
  }
  void describe(operands& all) const { all.push_back(values.described_vector("the epilogue's row bias")); }
  finding check(int m, int) const {
    if (values.columns() == m) return {};
    return {"the epilogue's row bias has ", values.columns(), " elements; it must have m = ", m};
  }
};
template <class V>
row_bias(const V&) -> row_bias<std::remove_const_t<element_type_of<V>>>;

/// x plus a finite factor times a matrix R (m x n, any type and strides). The factor is converted to the type of x, as
/// in `scale`, and the elements of R as in `bias`. If the converted factor is 0, R is not read. R must not overlap C,
/// which may hold partial sums during the GEMM. To add the old C, use the GEMM's beta: beta C is added before the
/// epilogue.
template <class T>
struct residual : step {
  operand_matrix<const T> added;  // R
  double factor;

  template <tensor_like<2> V>
  explicit residual(const V& v, double by = 1, where at = {})
      : added(tensor_view<const T, 2>(tilery::view(v, at))), factor(by) {}

  template <class Lane, class S, int N>
  TILERY_SIMT pack<S, N> operator()(Lane lane, pack<S, N> x, int row, int column) const {
    const auto by = static_cast<S>(factor);
    return by == S(0) ? x : fma(added.template load<S, N>(lane, row, column), splat<N>(by), x);
  }
  TILERY_SIMT void prefetch(int row, int column) const { added.prefetch(row, column); }
  void describe(operands& all) const { all.push_back(added.described("the epilogue's residual")); }
  finding check(int m, int n) const {
    if (auto found = check_finite<double>("the epilogue's residual", "its factor", factor)) return found;
    return added.check("the epilogue's residual", m, n);
  }
  template <class S>
  finding check_sums() const {
    return check_factor<S>("the epilogue's residual", factor);
  }
};
template <class V>
residual(const V&) -> residual<std::remove_const_t<element_type_of<V>>>;
template <class V>
residual(const V&, double) -> residual<std::remove_const_t<element_type_of<V>>>;

/// x f'(Z): the backward pass through an activation f. Z (m x n, any type and strides) is the input of f in the forward
/// pass. The function times_gradient() makes this step. For relu the result is 0 where Z <= 0, even if x is infinite or
/// NaN.
template <class Activation, class T>
struct gradient : step {
  using activation_type = Activation;
  static constexpr bool is_backward = true;
  operand_matrix<const T> input;  // Z
  explicit gradient(const tensor_view<const T, 2>& z) : input(z) {}

  template <class Lane, class S, int N>
  TILERY_SIMT pack<S, N> operator()(Lane lane, pack<S, N> x, int row, int column) const {
    return activation::gradient_of<Activation>(input.template load<S, N>(lane, row, column), x);
  }
  TILERY_SIMT void prefetch(int row, int column) const { input.prefetch(row, column); }
  void describe(operands& all) const { all.push_back(input.described("the epilogue's pre-activation")); }
  finding check(int m, int n) const { return input.check("the epilogue's pre-activation", m, n); }
};

/// Returns the step that multiplies x by the derivative of the activation at z: `times_gradient<activation::gelu>(z)`.
template <class Activation, tensor_like<2> V>
auto times_gradient(const V& z, where at = {}) {
  if constexpr (activation::has_gradient<Activation, float>) {
    return gradient<Activation, std::remove_const_t<element_type_of<V>>>(tilery::view(z, at));
  } else {
    activation::must_have_gradient<Activation, float>();
    return none();
  }
}

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
