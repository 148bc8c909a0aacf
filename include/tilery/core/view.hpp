// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// tensor_view: a pointer, extents and strides. A view does not own its elements. Ops take as operands views and the
// other tensor types that tensor_like.hpp names.
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace tilery::inline TILERY_ABI {

/// The largest extent of a dimension. The margin below 2^31 lets a 32-bit index step past the end without overflow. The
/// number of elements has 64 bits: a vector with more elements can be passed as a matrix.
inline constexpr std::int32_t largest_extent = (std::numeric_limits<std::int32_t>::max)() - (1 << 17);

/// The largest number of dimensions of a tensor.
inline constexpr int largest_rank = 5;

/// The names of an op and of its operand in the sentence of an error: `op` is "softmax: " (with the colon) or empty,
/// `name` is "x".
struct tensor_name {
  const char* op = "";
  const char* name = "a view";
};

/// True if a dimension of a tensor may have this extent.
constexpr bool is_extent(std::int64_t extent) { return extent >= 0 && extent <= largest_extent; }

/// Returns the sentence of the error for an extent that is_extent() rejects.
inline sentence refused_extent(int dimension, std::int64_t extent, tensor_name of) {
  return {sentence(of.op, "extent ", dimension, " of ", of.name, " is ", extent),
          "; it must be at least 0 and at most ", largest_extent};
}

/// Returns an extent as a view's 32-bit number. Throws if the extent is negative or above `largest_extent`.
constexpr std::int32_t checked_extent(int dimension, std::int64_t extent, where at, tensor_name of = {}) {
  if (!is_extent(extent)) throw error(refused_extent(dimension, extent, of), at);
  return static_cast<std::int32_t>(extent);
}

/// A type of extents: an integer of up to 64 bits, or a type that converts to int64_t without narrowing. Floating-point
/// types are excluded: their fraction would be lost.
template <class Extent>
concept extent_like = (std::is_integral_v<Extent> && sizeof(Extent) <= 8) || requires(const Extent& i) {
  std::int64_t{i};
};

/// Returns an extent as a signed 64-bit number. An extent of 2^63 or more becomes 2^63 - 1, which checked_extent()
/// still refuses.
template <extent_like Extent>
constexpr std::int64_t wide_extent(const Extent& extent) {
  constexpr std::int64_t most = (std::numeric_limits<std::int64_t>::max)();
  if constexpr (std::is_unsigned_v<Extent> && sizeof(Extent) == 8)
    return extent > static_cast<Extent>(most) ? most : static_cast<std::int64_t>(extent);
  else
    return static_cast<std::int64_t>(extent);
}

/// An extent or a stride, converted from any type of extents: in a list {n, h, w, c} each may have another type.
struct wide_number {
  std::int64_t value;

  template <extent_like Extent>
  constexpr wide_number(const Extent& number) : value(wide_extent(number)) {}
};

/// The first extent of a tensor, together with the caller's line. It is for constructors that end in a parameter pack
/// of extents: after this pack no defaulted `where` argument (where.hpp) is possible.
struct first_extent {
  std::int64_t value;
  where at;

  template <extent_like Extent>
  constexpr first_extent(const Extent& extent, where line = {}) : value(wide_extent(extent)), at(line) {}
};

/// A view of Rank dimensions. T is the element type, const for a view that is only read. Strides are in elements.
template <class T, int Rank>
struct tensor_view {
  static_assert(Rank >= 1 && Rank <= largest_rank, "a tensor must have 1 to 5 dimensions");
  using element_type = T;
  using value_type = std::remove_const_t<T>;

  T* pointer = nullptr;
  std::int32_t extents[Rank] = {};
  std::int64_t strides[Rank] = {};

  constexpr tensor_view() = default;

  /// A dense view; the last dimension is contiguous. Throws if an extent is negative or above `largest_extent`, and if
  /// there are 2^63 elements or more.
  template <extent_like... Extents>
  requires(sizeof...(Extents) == Rank - 1) constexpr tensor_view(T* data, first_extent first, Extents... others)
      : pointer(data) {
    set_dense({wide_number(first.value), wide_number(others)...}, first.at);
  }

  /// Converts a view of mutable elements to a view of const elements.
  template <class U>
  requires std::same_as<T, const U>
  constexpr tensor_view(const tensor_view<U, Rank>& other) : pointer(other.pointer) {
    for (int i = 0; i < Rank; ++i) extents[i] = other.extents[i], strides[i] = other.strides[i];
  }

  static constexpr int rank() { return Rank; }
  constexpr std::int32_t extent(int i) const { return extents[i]; }
  constexpr std::int64_t stride(int i) const { return strides[i]; }
  constexpr T* data_handle() const { return pointer; }

  /// Sets the extents and the strides of a dense tensor. Throws as the constructor does.
  constexpr void set_dense(const wide_number (&sizes)[Rank], where at) {
    bool is_empty = false;
    for (const wide_number& size : sizes) is_empty = is_empty || size.value == 0;
    std::int64_t step = 1;
    for (int i = Rank - 1; i >= 0; --i) {
      extents[i] = checked_extent(i, sizes[i].value, at);
      strides[i] = step;
      if (__builtin_mul_overflow(step, sizes[i].value, &step) && !is_empty)
        throw error("the extents of a view multiply to 2^63 elements or more; no memory holds them", at);
    }
  }

  /// The number of elements.
  constexpr std::int64_t size() const {
    std::int64_t n = 1;
    for (std::int32_t extent : extents)
      if (extent == 0) return 0;
    for (std::int32_t extent : extents) n *= extent;
    return n;
  }

  /// True if the elements fill one range of memory without gaps, with the last dimension contiguous, or if there are
  /// no elements.
  constexpr bool dense() const {
    if (size() == 0) return true;
    std::int64_t step = 1;
    for (int i = Rank - 1; i >= 0; --i) {
      if (extents[i] != 1 && strides[i] != step) return false;
      step *= extents[i];
    }
    return true;
  }
};

template <class T>
using vector_view = tensor_view<T, 1>;
template <class T>
using matrix_view = tensor_view<T, 2>;

/// A view of a dense vector of n elements. Throws if n is negative or above `largest_extent`.
template <class T, extent_like N>
constexpr vector_view<T> vector(T* data, N n, where at = {}) {
  return {data, first_extent(n, at)};
}
/// A view of a dense row-major matrix. Throws if an extent is negative or above `largest_extent`.
template <class T, extent_like M, extent_like N>
constexpr matrix_view<T> matrix(T* data, M rows, N columns, where at = {}) {
  return {data, first_extent(rows, at), columns};
}
/// A view of a row-major matrix whose leading dimension is `row_stride` elements. Throws if an extent is negative or
/// above `largest_extent`.
template <class T, extent_like M, extent_like N>
constexpr matrix_view<T> matrix(T* data, M rows, N columns, std::int64_t row_stride, where at = {}) {
  matrix_view<T> result(data, first_extent(rows, at), columns);
  result.strides[0] = row_stride;
  return result;
}

/// A view of a dense tensor of any rank, the last dimension contiguous: tensor(pointer, {n, d, h, w, c}). Throws if an
/// extent is negative or above `largest_extent`, and if there are 2^63 elements or more.
template <class T, int Rank>
constexpr tensor_view<T, Rank> tensor(T* data, const wide_number (&extents)[Rank], where at = {}) {
  tensor_view<T, Rank> result;
  result.pointer = data;
  result.set_dense(extents, at);
  return result;
}
/// A view with a stride, in elements, for each dimension: strided_tensor(pointer, {n, h, w, c}, {n_stride, ...}).
/// Throws as `tensor` does. (It is not an overload of `tensor`, because the strides {0, 1} could also mean a `where`.)
template <class T, int Rank>
constexpr tensor_view<T, Rank> strided_tensor(T* data, const wide_number (&extents)[Rank],
                                              const wide_number (&strides)[Rank], where at = {}) {
  tensor_view<T, Rank> result = tensor(data, extents, at);
  for (int i = 0; i < Rank; ++i) result.strides[i] = strides[i].value;
  return result;
}

/// A view of the same memory with its dimensions in another order: dimension i of the result is dimension order[i] of
/// the tensor. permuted(images, {0, 3, 1, 2}) views images of (n, h, w, c) as (n, c, h, w). Throws if `order` does not
/// name each dimension once.
template <class T, int Rank>
constexpr tensor_view<T, Rank> permuted(const tensor_view<T, Rank>& v, const int (&order)[Rank], where at = {}) {
  tensor_view<T, Rank> result;
  result.pointer = v.pointer;
  bool taken[Rank] = {};
  for (int i = 0; i < Rank; ++i) {
    const int d = order[i];
    if (d < 0 || d >= Rank) throw error({"permuted: dimension ", d, " is not one of the ", Rank, " of the tensor"}, at);
    if (taken[d]) throw error({"permuted: dimension ", d, " is given twice; each must be given once"}, at);
    taken[d] = true;
    result.extents[i] = v.extents[d], result.strides[i] = v.strides[d];
  }
  return result;
}
/// A view of a dense tensor stored channels-first (NCW, NCHW, NCDHW), indexed with the channels last, as the ops of
/// images take it: channels_first(pointer, {n, h, w, c}) has the strides of (n, c, h, w). A filter stored as (k, c, r,
/// s) is channels_first(pointer, {k, r, s, c}). Throws as `tensor` does.
template <class T, int Rank>
constexpr tensor_view<T, Rank> channels_first(T* data, const wide_number (&extents)[Rank], where at = {}) {
  tensor_view<T, Rank> result = tensor(data, extents, at);
  std::int64_t step = 1;
  for (int i = Rank - 2; i > 0; --i) result.strides[i] = step, step *= result.extents[i];
  result.strides[Rank - 1] = step;
  result.strides[0] = step * result.extents[Rank - 1];
  return result;
}
/// The transpose of a matrix as a view of the same memory.
template <class T>
constexpr matrix_view<T> transposed(const matrix_view<T>& m) {
  return permuted(m, {1, 0});
}

/// A view of the indices [first, first + count) of one dimension, and of all indices of the other dimensions. Throws if
/// the tensor has no such dimension, or not all of these indices.
template <class T, int Rank>
constexpr tensor_view<T, Rank> slice(tensor_view<T, Rank> v, int dimension, std::int64_t first, std::int64_t count,
                                     where at = {}) {
  if (dimension < 0 || dimension >= Rank)
    throw error({"slice: dimension ", dimension, " is not one of the ", Rank, " of the tensor"}, at);
  if (first < 0 || count < 0 || count > v.extents[dimension] || first > v.extents[dimension] - count)
    throw error({sentence("slice: ", count, " elements from ", first, " on are not inside of the "),
                 v.extents[dimension], " of dimension ", dimension},
                at);
  v.pointer += first * v.strides[dimension];
  v.extents[dimension] = static_cast<std::int32_t>(count);
  return v;
}
/// A view of the rows [first, first + count) of a matrix. Throws if the matrix does not have all of these rows.
template <class T>
constexpr matrix_view<T> rows(const matrix_view<T>& m, std::int64_t first, std::int64_t count, where at = {}) {
  if (first < 0 || count < 0 || count > m.extents[0] || first > m.extents[0] - count)
    throw error({"rows: ", count, " rows from row ", first, " on are not inside of the ", m.extents[0],
                 " rows of the matrix"},
                at);
  return slice(m, 0, first, count, at);
}

}  // namespace tilery::inline TILERY_ABI
