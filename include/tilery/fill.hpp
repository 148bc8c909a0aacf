// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sets all elements of a tensor to one value.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/ops/elementwise.hpp>
#include <tilery/ops/rows_of_tensor.hpp>
#include <tilery/ops/wrong_call.hpp>

#include <limits>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns the value as an integer of type T. Throws if T cannot hold the value exactly.
template <class T, class Value>
T held_value(Value value, where at) {
  constexpr T least = (std::numeric_limits<T>::min)(), most = (std::numeric_limits<T>::max)();
  bool fits = true;
  if constexpr (std::is_floating_point_v<Value>)  // most + 1 is a power of two, exact in every floating-point type
    fits = value >= static_cast<Value>(least) && value < 2 * static_cast<Value>(most / 2 + 1);
  const T result = fits ? static_cast<T>(value) : T(0);
  fits = fits && static_cast<Value>(result) == value && (result < T(0)) == (value < Value(0));
  if (!fits) throw error({"fill: the value is ", +value, "; elements of ", element<T>::name, " cannot hold it"}, at);
  return result;
}

}  // namespace ops

/// Sets each element to `value`, after the executor's earlier calls.
///
/// Types. double, float, tf32, half, bf16, fp8 and integers. A floating-point element becomes the number nearest to the
/// value. For a floating-point element of 16 or 8 bits, the value is rounded to float first, so it may be rounded
/// twice. An integer element must be able to hold the value exactly.
///
/// Shapes and strides. 1 to 5 dimensions, any strides that are not negative.
///
/// Errors. Throws `error` before anything is launched: a value that the elements cannot hold, null views, negative
/// strides, memory that the executor cannot reach.
template <executor Executor, tensor_of_any_rank To, class Value>
requires std::is_arithmetic_v<Value>
void fill(const Executor& executor, const To& to, Value value, where at = {}) {
  using T = element_type_of<To>;
  static_assert(To::rank() >= 1 && To::rank() <= largest_rank, "fill: a tensor must have 1 to 5 dimensions");
  static_assert(!std::is_const_v<T>, "fill: the elements must not be const");
  static_assert(ops::is_any_float<T> || std::is_integral_v<T>,
                "fill: the elements must be double, float, tf32, half, bf16, fp8 or integers");
  const auto target = view(to, at, {"fill: ", "to"});
  T element;
  if constexpr (std::is_integral_v<T>) {
    element = ops::held_value<T>(value, at);
  } else {
    element = convert<T>(static_cast<accumulator_t<T>>(value));
  }
  operands all = {writes("to", target)};
  refuse(check_call("fill", all, executor.reachable()), at);
  if (target.size() == 0) return;
  const ops::rows_of_tensors<1> walk(ops::form_of_rows<Executor>, target);
  const fill_params<T> p{walk.dimensions(), gmem_ptr<T>(target.pointer), element};
  ops::launch_rows_of_tensors<T>(executor, ops::describe_rows<T, Executor>(walk, target.pointer), p, walk.rows(), all,
                                 at);
}

/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void fill(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
