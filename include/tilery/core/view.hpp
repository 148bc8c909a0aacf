// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A view is a pointer, extents and strides. Ops take tilery's own, and anything shaped like std::mdspan: the concept
// asks for extent(), stride() and data_handle(), so no mdspan header is included here.
#pragma once
#pragma GCC system_header

#include <tilery/core/error.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace tilery::inline TILERY_ABI {

/// The largest extent of a tensor that ops take: what is left to 2^31 lets kernels step over the end in 32 bits.
inline constexpr std::int32_t largest_extent = (std::numeric_limits<std::int32_t>::max)() - (1 << 17);

/// A view of Rank dimensions over elements of T, owned by somebody else. Strides count elements.
template <class T, int Rank>
struct tensor_view {
  using element_type = T;
  using value_type = std::remove_const_t<T>;

  T* pointer = nullptr;
  std::int32_t extents[Rank] = {};
  std::int64_t strides[Rank] = {};

  constexpr tensor_view() = default;

  /// Dense, the last dimension contiguous.
  template <std::convertible_to<std::int32_t>... Extents>
  requires(sizeof...(Extents) == Rank) constexpr tensor_view(T* data, Extents... sizes)
      : pointer(data), extents{static_cast<std::int32_t>(sizes)...} {
    std::int64_t step = 1;
    for (int i = Rank - 1; i >= 0; --i) {
      strides[i] = step;
      step *= extents[i];
    }
  }

  /// A view of mutable elements is a view of constant ones.
  template <class U>
  requires std::same_as<T, const U>
  constexpr tensor_view(const tensor_view<U, Rank>& other) : pointer(other.pointer) {
    for (int i = 0; i < Rank; ++i) extents[i] = other.extents[i], strides[i] = other.strides[i];
  }

  static constexpr int rank() { return Rank; }
  constexpr std::int32_t extent(int i) const { return extents[i]; }
  constexpr std::int64_t stride(int i) const { return strides[i]; }
  constexpr T* data_handle() const { return pointer; }

  /// Number of elements.
  constexpr std::int64_t size() const {
    std::int64_t n = 1;
    for (std::int32_t extent : extents) n *= extent;
    return n;
  }

  /// Whether the elements fill one range of memory without holes, the last dimension fastest.
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

/// A dense vector or matrix over memory that somebody else owns; `matrix` with its rows `row_stride` elements apart.
template <class T>
constexpr vector_view<T> vector(T* data, std::int32_t n) {
  return {data, n};
}
template <class T>
constexpr matrix_view<T> matrix(T* data, std::int32_t rows, std::int32_t columns) {
  return {data, rows, columns};
}
template <class T>
constexpr matrix_view<T> matrix(T* data, std::int32_t rows, std::int32_t columns, std::int64_t row_stride) {
  matrix_view<T> result(data, rows, columns);
  result.strides[0] = row_stride;
  return result;
}

/// The same memory, rows and columns exchanged.
template <class T>
constexpr matrix_view<T> transposed(matrix_view<T> m) {
  matrix_view<T> result;
  result.pointer = m.pointer;
  result.extents[0] = m.extents[1], result.extents[1] = m.extents[0];
  result.strides[0] = m.strides[1], result.strides[1] = m.strides[0];
  return result;
}

/// Rows [first, first + count) of a matrix.
template <class T>
constexpr matrix_view<T> rows(matrix_view<T> m, std::int32_t first, std::int32_t count) {
  m.pointer += first * m.strides[0];
  m.extents[0] = count;
  return m;
}

/// What ops accept as a tensor of this rank.
template <class V, int Rank>
concept tensor_like = requires(const V& v) {
  { v.data_handle() } -> std::convertible_to<const void*>;
  { v.extent(0) } -> std::convertible_to<std::int64_t>;
  { v.stride(0) } -> std::convertible_to<std::int64_t>;
  requires V::rank()
  == Rank;
};

template <class V>
using element_type_of = std::remove_pointer_t<decltype(std::declval<const V&>().data_handle())>;

/// Any tensor-like value as tilery's view. Throws where an extent is above `largest_extent`.
template <class V>
constexpr auto view(const V& v, where at = {}) {
  tensor_view<element_type_of<V>, static_cast<int>(V::rank())> result;
  result.pointer = v.data_handle();
  for (int i = 0; i < result.rank(); ++i) {
    const auto extent = static_cast<std::int64_t>(v.extent(i));
    if (extent < 0 || extent > largest_extent)
      throw error({"extent ", i, " of a view is ", extent, "; it must be at least 0 and at most ", largest_extent}, at);
    result.extents[i] = static_cast<std::int32_t>(extent);
    result.strides[i] = static_cast<std::int64_t>(v.stride(i));
  }
  return result;
}

}  // namespace tilery::inline TILERY_ABI
