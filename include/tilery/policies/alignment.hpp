// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The widest pack (the elements of one vector access) that the pointers, strides and extents of all operands of an op
// allow. The elementwise ops, the column sum and the ops that reduce along rows (softmax, cross-entropy) use these
// functions.
#pragma once
#pragma GCC system_header

#include <tilery/core/view.hpp>

namespace tilery::inline TILERY_ABI {

/// True if the columns of each row are contiguous in memory.
template <class T>
constexpr bool contiguous_columns(const matrix_view<T>& v) {
  return v.strides[1] == 1 || v.extents[1] <= 1;
}

/// True if each row begins at an address that is aligned for an access to `vector` elements: the address is a multiple
/// of the access's size in bytes, or of 16 bytes if that size is more than 16.
template <class T>
constexpr bool rows_aligned(const matrix_view<T>& v, int vector) {
  const std::uintptr_t bytes = vector * sizeof(T) < 16 ? vector * sizeof(T) : 16;
  return reinterpret_cast<std::uintptr_t>(v.pointer) % bytes == 0 &&
         (v.extents[0] <= 1 || v.strides[0] * sizeof(T) % bytes == 0);
}

/// Returns the number of elements of the widest pack, at most `widest`, for which the rows of all matrices are
/// contiguous and aligned; 1 if there is none. `widest` is a power of two.
template <class... T>
constexpr int widest_pack(int widest, const matrix_view<T>&... all) {
  if (!(contiguous_columns(all) && ...)) return 1;
  while (widest > 1 && !(rows_aligned(all, widest) && ...)) widest /= 2;
  return widest;
}

/// Returns the number of elements of the widest pack, at most `widest`, for which the rows of all matrices are
/// contiguous, aligned and consist of whole packs; 1 if there is none. `widest` is a power of two.
template <class... T>
constexpr int widest_whole_pack(int widest, const matrix_view<T>&... all) {
  widest = widest_pack(widest, all...);
  while (widest > 1 && ((all.extents[1] % widest != 0) || ...)) widest /= 2;
  return widest;
}

/// Returns the number of elements of the widest pack, at most `widest`, whose aligned addresses fall on the same
/// columns in all matrices; 1 if there is none. A row may begin at any address, but its distance from an aligned
/// address must be the same in every matrix. The elements of all matrices must have the same size. `widest` is a power
/// of two.
template <class T, class... Others>
constexpr int widest_pack_alike(int widest, const matrix_view<T>& first, const matrix_view<Others>&... others) {
  if (!contiguous_columns(first) || !(contiguous_columns(others) && ...)) return 1;
  [[maybe_unused]] const auto alike = [&](const auto& other) {
    const std::uintptr_t bytes = widest * sizeof(T) < 16 ? widest * sizeof(T) : 16;
    const auto between =
        reinterpret_cast<std::uintptr_t>(first.pointer) - reinterpret_cast<std::uintptr_t>(other.pointer);
    return between % bytes == 0 &&
           (first.extents[0] <= 1 ||
            (first.strides[0] - other.strides[0]) * std::int64_t{sizeof(T)} % static_cast<std::int64_t>(bytes) == 0);
  };
  while (widest > 1 && !(alike(others) && ...)) widest /= 2;
  return widest;
}

/// Returns a dense matrix (no gaps between rows) as a matrix of a single row, so that no lanes idle at the ends of
/// rows. Returns any other matrix, and a matrix of more than largest_extent elements, unchanged.
template <class T>
constexpr matrix_view<T> flattened(const matrix_view<T>& v) {
  if (!v.dense() || v.size() > largest_extent) return v;
  return matrix(v.pointer, 1, v.size());
}

}  // namespace tilery::inline TILERY_ABI
