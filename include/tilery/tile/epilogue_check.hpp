// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules for an epilogue step (epilogue_step.hpp), and one sentence for each way to break them. The ops check an
// epilogue before they use it, and `|`, which joins two steps, checks both its sides. A mistake ends the compilation at
// the user's call, not inside a kernel. A pack<S, N> is N neighbouring elements of a row.
#pragma once
#pragma GCC system_header

#include <tilery/core/tensor_like.hpp>
#include <tilery/tile/activation_form.hpp>
#include <tilery/tile/epilogue_step.hpp>

#include <utility>

namespace tilery::inline TILERY_ABI {

namespace epilogue {

/// The ways to break a rule. refuse_step() has their sentences; has_no_value and has_no_gradient have theirs in
/// activation_form.hpp.
enum class step_mistake {
  none,
  is_number,
  is_tensor,
  is_activation,
  is_no_step,
  is_not_copyable,
  has_no_value,
  has_no_gradient,
  has_integer_sums,
  has_no_call,
  has_other_result
};

/// Checks the rules that depend on E alone, not on the accumulation type or the type of the lanes. Returns the mistake
/// of E, or none.
template <class E>
constexpr step_mistake mistake_of() {
  if constexpr (std::derived_from<E, step>)
    return std::is_trivially_copyable_v<E> ? step_mistake::none : step_mistake::is_not_copyable;
  else if constexpr (std::is_arithmetic_v<E>)
    return step_mistake::is_number;
  else if constexpr (tensor_of_any_rank<E>)
    return step_mistake::is_tensor;
  else if constexpr (activation::has_value<E, float>)
    return step_mistake::is_activation;
  else
    return step_mistake::is_no_step;
}

/// The type of the object that in_tile() (epilogue_step.hpp) returns for E: kernels call this object instead of E. The
/// type here is that for a lane with one pack in a row of C; in kernels a lane may have more.
template <class E, class S, int N>
using in_tile_of = std::remove_const_t<decltype(in_tile<S, N, 1>(std::declval<const E&>()))>;

/// True if a lane of type Lane can call E with a pack of N elements of type S.
template <class E, class S, int N, class Lane>
concept takes_pack = requires(in_tile_of<E, S, N>& worker, Lane lane, pack<S, N> x) {
  worker(lane, x, 0, 0);
};
/// True if a lane of type Lane can call E with a pack of N elements of type S, and the result is a pack of this type.
template <class E, class S, int N, class Lane>
concept returns_pack = requires(in_tile_of<E, S, N>& worker, Lane lane, pack<S, N> x) {
  { worker(lane, x, 0, 0) } -> std::same_as<pack<S, N>>;
};

template <class E>
inline constexpr bool is_chain = false;
template <class First, class Second>
inline constexpr bool is_chain<chain<First, Second>> = true;

/// Returns the mistake of E for the accumulation type S and lanes of type Lane, or none. For a chain (steps joined by
/// `|`), this is the mistake of the first wrong step. Kernels call a step with packs of different lengths; the check
/// tries the lengths 1 and 4 only.
template <class E, class S, class Lane>
constexpr step_mistake mistake_for() {
  using is = step_mistake;
  if constexpr (mistake_of<E>() != is::none) {
    return mistake_of<E>();
  } else if constexpr (is_chain<E>) {
    constexpr is of_first = mistake_for<decltype(E::first), S, Lane>();
    return of_first != is::none ? of_first : mistake_for<decltype(E::second), S, Lane>();
  } else if constexpr (requires { typename E::activation_type; }) {
    if constexpr (E::is_backward)
      return activation::has_gradient<typename E::activation_type, S> ? is::none : is::has_no_gradient;
    else
      return activation::has_value<typename E::activation_type, S> ? is::none : is::has_no_value;
  } else if constexpr (E::sums_columns && std::is_integral_v<S>) {
    return is::has_integer_sums;
  } else if constexpr (!takes_pack<E, S, 1, Lane> || !takes_pack<E, S, 4, Lane>) {
    return is::has_no_call;
  } else {
    return returns_pack<E, S, 1, Lane> && returns_pack<E, S, 4, Lane> ? is::none : is::has_other_result;
  }
}

/// True if epilogue E breaks no rule for the accumulation type S and lanes of type Lane.
template <class E, class S, class Lane>
concept finishes_sums = (mistake_for<E, S, Lane>() == step_mistake::none);

/// Ends the compilation with the sentence of the mistake Is of E. Does nothing for `none`, and for has_no_value and
/// has_no_gradient, whose sentences are in activation_form.hpp.
template <class E, step_mistake Is>
constexpr void refuse_step() {
  using is = step_mistake;
  static_assert(Is != is::is_number,
                "an epilogue must derive from tilery::epilogue::step; a number x scales the sums as "
                "tilery::epilogue::scale(x)");
  static_assert(Is != is::is_tensor,
                "an epilogue must derive from tilery::epilogue::step; a vector v is added as tilery::epilogue::bias(v) "
                "or row_bias(v), a matrix m as residual(m)");
  static_assert(Is != is::is_activation,
                "an epilogue must derive from tilery::epilogue::step; an activation f becomes one as "
                "tilery::epilogue::activate<f>()");
  static_assert(Is != is::is_no_step,
                "an epilogue must derive from tilery::epilogue::step: it must be a named struct, because nvcc takes no "
                "lambda and no function in a kernel; a GEMM's factors are the argument after it");
  static_assert(Is != is::is_not_copyable,
                "an epilogue must be trivially copyable, because a launch copies its bytes to the GPU; it must hold "
                "pointers and numbers instead of containers");
  static_assert(Is != is::has_integer_sums,
                "epilogue::bias_gradient must have sums of floating point, because a C of s32 holds whole numbers; C "
                "must be float");
  static_assert(Is != is::has_no_call,
                "an epilogue must have a call operator that takes (Lane lane, pack<T, N> x, int row, int column) for "
                "the accumulation type T of the GEMM and every N, because kernels call it for each pack of C");
  static_assert(Is != is::has_other_result,
                "an epilogue's call operator must return the type of its argument, pack<T, N>, because the next step "
                "or the store to C takes it");
}

/// Ends the compilation with the sentence of the mistake that mistake_for() finds in E; for a chain, the sentence is
/// about its first wrong step. Does nothing if E breaks no rule.
template <class E, class S, class Lane>
constexpr void refuse_epilogue() {
  constexpr step_mistake mistake = mistake_for<E, S, Lane>();
  if constexpr (mistake_of<E>() == step_mistake::none && is_chain<E>) {
    using first = decltype(E::first);
    using wrong = std::conditional_t<finishes_sums<first, S, Lane>, decltype(E::second), first>;
    refuse_epilogue<wrong, S, Lane>();
  } else if constexpr (mistake == step_mistake::has_no_value) {
    activation::must_have_value<typename E::activation_type, S>();
  } else if constexpr (mistake == step_mistake::has_no_gradient) {
    activation::must_have_gradient<typename E::activation_type, S>();
  } else {
    refuse_step<E, mistake>();
  }
}

/// Ends the compilation with a sentence if one side of `|` derives from `step`, but not both sides are valid steps.
template <class First, class Second>
requires(std::derived_from<First, step> || std::derived_from<Second, step>) &&
    (!epilogue_step<First> || !epilogue_step<Second>)none operator|(const First&, const Second&) {
  if constexpr (!epilogue_step<First>)
    refuse_step<First, mistake_of<First>()>();
  else
    refuse_step<Second, mistake_of<Second>()>();
  return {};
}

}  // namespace epilogue

}  // namespace tilery::inline TILERY_ABI
