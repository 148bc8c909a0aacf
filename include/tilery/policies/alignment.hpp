// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How wide the packs of an op may be, given where its operands lie.
#pragma once
#pragma GCC system_header

#include <tilery/core/view.hpp>

namespace tilery::inline TILERY_ABI {

/// Whether neighbouring columns of a matrix are neighbours in memory.
template <class T>
constexpr bool contiguous_columns(const matrix_view<T>& v) {
  return v.strides[1] == 1 || v.extents[1] <= 1;
}

/// Whether each row of a matrix begins at a multiple of a pack's access (16 bytes at most).
template <class T>
constexpr bool rows_aligned(const matrix_view<T>& v, int vector) {
  const std::uintptr_t bytes = vector * sizeof(T) < 16 ? vector * sizeof(T) : 16;
  return reinterpret_cast<std::uintptr_t>(v.pointer) % bytes == 0 &&
         (v.extents[0] <= 1 || v.strides[0] * sizeof(T) % bytes == 0);
}

/// The widest pack, at most `widest` elements, that the rows of all matrices are aligned for.
template <class... T>
constexpr int widest_pack(int widest, const matrix_view<T>&... all) {
  if (!(contiguous_columns(all) && ...)) return 1;
  while (widest > 1 && !(rows_aligned(all, widest) && ...)) widest /= 2;
  return widest;
}

/// The same, and a whole number of packs in each row.
template <class... T>
constexpr int widest_whole_pack(int widest, const matrix_view<T>&... all) {
  widest = widest_pack(widest, all...);
  while (widest > 1 && ((all.extents[1] % widest != 0) || ...)) widest /= 2;
  return widest;
}

/// The widest pack, at most `widest` elements, into which all matrices' rows are cut at the same columns: rows may
/// begin anywhere, but each as far from an aligned address in one matrix as in the others.
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

/// A dense matrix as one row, which wastes no lane at the ends of rows; others, and those with more than largest_extent
/// elements, as they are.
template <class T>
constexpr matrix_view<T> flattened(const matrix_view<T>& v) {
  if (!v.dense() || v.size() > largest_extent) return v;
  return matrix(v.pointer, 1, v.size());
}

}  // namespace tilery::inline TILERY_ABI
