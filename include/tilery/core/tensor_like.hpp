// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// tensor_like, the concept of an op's operands: tilery's views and buffers, and the mdspans of the standard library,
// CUDA and Kokkos. The concept requires extent(), stride(), rank() and data_handle(), so this file includes no mdspan
// header.
#pragma once
#pragma GCC system_header

#include <tilery/core/view.hpp>

#include <utility>

namespace tilery::inline TILERY_ABI {

/// A type that ops accept as a tensor of this rank.
template <class V, int Rank>
concept tensor_like = requires(const V& v) {
  { v.data_handle() } -> std::convertible_to<const void*>;
  { v.extent(0) } -> std::convertible_to<std::int64_t>;
  { v.stride(0) } -> std::convertible_to<std::int64_t>;
  requires V::rank()
  == Rank;
};

/// A type with the members data_handle(), extent() and rank() of std::mdspan (tilery's views and buffers have them,
/// too), of any rank.
template <class V>
concept tensor_of_any_rank = requires(const V& v) {
  v.data_handle();
  v.extent(0);
  V::rank();
};

/// The type of a tensor's elements; const if they must not be written. It is the type of *v.data_handle(). (The return
/// type of data_handle() is not always a plain pointer: a standard mdspan returns a reference to a const pointer, and
/// Kokkos' pointer may have __restrict.)
template <class V>
using element_type_of = std::remove_reference_t<decltype(*std::declval<const V&>().data_handle())>;

/// Returns true if an mdspan's accessor gives plain references to the elements, or if V has no accessor. Kernels read
/// the memory directly, without the accessor: what a scaling or conjugating accessor does to an element would be lost.
template <class V>
constexpr bool accesses_elements() {
  if constexpr (requires { typename V::accessor_type; }) {
    using accessor = typename V::accessor_type;
    return std::is_same_v<typename accessor::reference, typename V::element_type&> &&
           std::is_convertible_v<typename accessor::data_handle_type, typename V::element_type*>;
  } else {
    return true;
  }
}
/// Returns true if an mdspan's layout has the function stride(), or if V has no layout mapping.
template <class V>
constexpr bool has_strides() {
  if constexpr (requires(const V& v) { v.mapping(); }) return requires(const V& v) {
      v.mapping().stride(0);
    };
  else
    return true;
}

/// Converts a tensor-like value to tilery's view. The stride of a dimension of extent 1 has no meaning: the view
/// replaces it by extent * stride of the next dimension with a higher index and an extent above 1, or by 1 if there is
/// none. `called` names the op and the operand in messages.
///
/// Errors. Throws if an extent is negative or above `largest_extent`, if there are 2^63 elements or more, and if an
/// mdspan's layout has no strides for its extents.
template <class V>
constexpr auto view(const V& v, where at = {}, tensor_name called = {}) {
  static_assert(accesses_elements<V>(),
                "an mdspan whose accessor changes elements (scaled, conjugated) or has no plain pointer cannot be an "
                "operand: kernels read the memory itself; write the elements to memory first");
  static_assert(has_strides<V>(), "an mdspan whose layout has no strides cannot be an operand");
  tensor_view<element_type_of<V>, static_cast<int>(V::rank())> result;
  result.pointer = v.data_handle();
  if constexpr (requires { v.is_strided(); })
    if (!v.is_strided())
      throw error({called.op, called.name, " has no strides: its layout is not a linear function of the indices"}, at);
  std::int64_t dense = 1, size = 1;
  bool is_empty = false, is_too_large = false;
  for (int i = result.rank() - 1; i >= 0; --i) {
    const std::int32_t extent = checked_extent(i, static_cast<std::int64_t>(v.extent(i)), at, called);
    result.extents[i] = extent;
    is_empty = is_empty || extent == 0;
    is_too_large = is_too_large || __builtin_mul_overflow(size, static_cast<std::int64_t>(extent), &size);
    result.strides[i] = extent == 1 ? dense : static_cast<std::int64_t>(v.stride(i));
    if (extent > 1) dense = static_cast<std::int64_t>(static_cast<std::uint64_t>(result.strides[i]) * extent);
  }
  if (is_too_large && !is_empty)
    throw error({called.op, called.name, " has extents that multiply to 2^63 elements or more; no memory holds them"},
                at);
  return result;
}

}  // namespace tilery::inline TILERY_ABI
