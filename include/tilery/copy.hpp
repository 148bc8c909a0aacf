// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Copies between tensors of any strides and element types.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/ops/elementwise.hpp>
#include <tilery/ops/rows_of_tensor.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// True if `copy` can convert elements of From to elements of To.
template <class From, class To>
constexpr bool is_copied_as = (std::is_integral_v<From> || is_any_float<From>)&&(std::is_same_v<From, To> ||
                                                                                 is_any_float<To>);

}  // namespace ops

/// to = from, element by element, after the executor's earlier calls. A copy from or to a GPU's memory may still be in
/// flight when this function returns: call `executor.wait()` before the host reads `to`.
///
/// Types. Both tensors have the same element type: double, float, tf32, half, bf16, fp8 or an integer. Or `copy`
/// converts from any of these types to one that is not an integer, rounding to nearest. Conversions from double and
/// from integers to 16 or 8 bits go through float, and may round twice. (`copy_dense` copies dense tensors of any other
/// type.)
///
/// Shapes and strides. Both tensors have the same extents, 1 to 5 dimensions, and any strides that are not negative.
///
/// Memory. If both tensors are dense and of the same type, each may be in host memory or in memory that the executor
/// can reach: host to device, or device to host. All other copies are made by a kernel, and both tensors must be in
/// memory that the executor can reach. In a transposition, the reads are not coalesced.
///
/// Aliasing. The tensors must not share an element, except that both may be exactly the same view with the same element
/// type: then nothing is copied. No two elements of `to` may have the same address, as with a stride of 0.
///
/// Errors. Throws `error` before anything is launched: wrong extents, null views, negative strides, memory that the
/// executor cannot reach, aliases.
template <executor Executor, tensor_of_any_rank From, tensor_of_any_rank To>
void copy(const Executor& executor, const From& from, const To& to, where at = {}) {
  using S = std::remove_const_t<element_type_of<From>>;
  using T = element_type_of<To>;
  static_assert(From::rank() == To::rank(), "copy: both tensors must have the same rank");
  static_assert(From::rank() >= 1 && From::rank() <= largest_rank, "copy: tensors must have 1 to 5 dimensions");
  static_assert(
      ops::is_copied_as<S, T>,
      "copy: the elements must be double, float, tf32, half, bf16, fp8 or integers, and of the same type unless they "
      "are converted to a type that is not an integer; the elements of `to` must not be const; copy_dense copies "
      "dense tensors of other types");
  const auto source = view(from, at, {"copy: ", "from"});
  const auto target = view(to, at, {"copy: ", "to"});
  refuse(check_same_extents("copy", {"from", "to"}, source, target), at);
  if constexpr (std::is_same_v<S, T>)
    if (source.dense() && target.dense()) return copy_dense(executor, source, target, at);

  operands all = {reads("from", source), writes("to", target)};
  refuse(check_call("copy", all, executor.reachable(), {std::is_same_v<S, T> ? "from" : ""}), at);
  if (target.size() == 0 || (std::is_same_v<S, T> && same_view(all[0], all[1]))) return;
  using wide = std::conditional_t<(sizeof(S) > sizeof(T)), S, T>;
  const ops::rows_of_tensors<2> walk(ops::form_of_rows<Executor>, target, source);
  const copy_params<S, T> p{walk.dimensions(), gmem_ptr<T>(target.pointer), gmem_ptr<const S>(source.pointer)};
  ops::launch_rows_of_tensors<wide>(executor, ops::describe_rows<wide, Executor>(walk, target.pointer, source.pointer),
                                    p, walk.rows(), all, at);
}

/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void copy(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
