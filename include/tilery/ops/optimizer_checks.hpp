// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of the optimizers before a launch: options must be in their ranges, and tensors must be dense. Dense
// tensors of any rank become matrices, because the elementwise kernel takes matrices.
#pragma once
#pragma GCC system_header

#include <tilery/core/factor.hpp>
#include <tilery/core/shape.hpp>
#include <tilery/core/tensor_like.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// Returns the number of columns for as_rows(): the number of all elements, or, if that is more than `largest_extent`,
/// the product of the extents of the innermost dimensions, of as many as keep the product at most `largest_extent`.
/// `called` is the tensor's name in error messages.
template <class V>
std::int64_t row_length(tensor_name called, const V& v, where at) {
  const auto whole = view(v, at, called);
  std::int64_t columns = 1;
  for (int d = whole.rank() - 1; d >= 0 && columns * whole.extents[d] <= largest_extent; --d)
    columns *= whole.extents[d];
  return columns;
}

/// Returns a dense tensor of any rank as a matrix: one row, or, if the tensor has more than `largest_extent` elements,
/// rows of `columns` elements, where `columns` is the row_length() of the weights. Throws if the tensor is not dense,
/// or does not consist of whole rows.
template <class V>
auto as_rows(const char* op, tensor_name called, const V& v, std::int64_t columns, where at) {
  const auto whole = view(v, at, called);
  const std::int64_t size = whole.size();
  if (!whole.dense()) throw error({op, ": ", called.name, " has gaps between its elements; it must be dense"}, at);
  if (size <= largest_extent) return matrix(whole.pointer, 1, size, at);
  if (columns < 1 || size % columns != 0)
    throw error({sentence(op, ": ", called.name, " has ", size, " elements"), "; it must have as many as the weights"},
                at);
  return matrix(whole.pointer, size / columns, columns, at);
}

/// Throws if an option is negative, or is not finite as a number of type S. 0 is allowed.
template <class S>
void check_positive(const char* op, const char* name, double value, where at) {
  if (value >= 0 && is_finite<S>(value)) return;
  throw error({op, ": ", name, " is ", value, "; it must be at least 0 and a finite ", element<S>::name}, at);
}
/// Throws if a beta (the factor of the old moment in each update) is not in [0, 1), or rounds to 1 in type S.
template <class S>
void check_share(const char* op, const char* name, double value, where at) {
  if (value >= 0 && static_cast<S>(value) < 1) return;
  throw error({op, ": ", name, " is ", value,
               "; it must be at least 0 and below 1, also after rounding to the type of the moments"},
              at);
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
