// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One value for all elements of a tensor.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/ops/elementwise.hpp>
#include <tilery/ops/rows_of_tensor.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// What a tensor of T is filled with: a whole number of any width, or any number.
template <class T>
using fill_value = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;

}  // namespace ops

/// Each element = value, in the executor's order. Any element type: a floating-point one gets the value to nearest; an
/// integer one must be able to hold it. 1 to 3 dimensions, any strides. Throws `error` before anything is launched: a
/// value out of range, null views, memory of another machine.
template <class Executor, class To>
void fill(const Executor& executor, const To& to, ops::fill_value<element_type_of<To>> value, where at = {}) {
  using T = element_type_of<To>;
  static_assert(To::rank() <= copied_rank, "fill: a tensor must have 1 to 3 dimensions");
  static_assert(!std::is_const_v<T>, "fill: the elements must not be const");
  const auto target = view(to, at, {"fill: ", "to"});
  T element;
  if constexpr (std::is_integral_v<T>) {
    element = static_cast<T>(value);
    if (static_cast<std::int64_t>(element) != value || (std::is_unsigned_v<T> && value < 0))
      throw error({"fill: the value is ", value, "; elements of ", tilery::element<T>::name, " cannot hold it"}, at);
  } else {
    element = convert<T>(static_cast<accumulator_t<T>>(value));
  }
  operands all = {writes("to", target)};
  refuse(check_call("fill", all, executor.reachable()), at);
  if (target.size() == 0) return;
  const ops::rows_of_tensors<1> walk(target);
  elementwise_problem problem{static_cast<int>(16 / sizeof(T)), walk.is_contiguous(0)};
  if (!walk.serves_packs(0, target.pointer, problem.vector)) problem.vector = 1;
  const fill_params<T> p{static_cast<std::int32_t>(walk.rows()), walk.columns(), walk.outer(),
                         walk.elements<T>(0, target.pointer), element};
  ops::launch_rows_of_tensors<T>(executor, problem, p, walk.rows(), all, at);
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
