// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Copies of matrix blocks on the CPU, from any strides into contiguous rows that are padded to whole vectors. The CPU
// GEMM packs its operands with copy_block(). It reads and writes C with load_some() and store_some() where a whole
// vector is impossible: at the right edge, and if the elements of a row are not contiguous. All strides and pitches are
// in elements.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/core/transpose.hpp>
#include <tilery/simt/cpu_lane.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// A block of a matrix in memory, with any strides.
template <class T>
struct strided_block {
  gmem_ptr<T> data;
  std::int64_t row_stride, column_stride;
  std::int32_t rows, columns;

  gmem_ptr<T> at(std::int64_t row, std::int64_t column) const {
    return data + (row * row_stride + column * column_stride);
  }
};

/// Loads `count` elements (at most N) that are `stride` elements apart in memory, converted to S, as the first elements
/// of a pack of N; the other elements of the pack are zero.
template <class S, int N, class T>
pack<S, N> load_some(cpu_lane lane, gmem_ptr<T> from, std::int64_t stride, int count) {
  S elements[N] = {};
  for (int i = 0; i < count; ++i) elements[i] = convert<S>(lane.load(from + i * stride));
  return reinterpret<pack<S, N>>(elements);
}

/// Stores the first `count` elements of a pack, converted to T, `stride` elements apart in memory.
template <class T, class S, int N>
void store_some(cpu_lane lane, gmem_ptr<T> to, std::int64_t stride, int count, pack<S, N> values) {
  struct array {
    T of[N];
  };
  const auto elements = reinterpret<array>(convert<T>(values));
  for (int i = 0; i < count; ++i) lane.store(to + i * stride, elements.of[i]);
}

/// Copies a block with any strides, element by element, and fills each row of `to` with zeros up to a multiple of N
/// elements. The rows of `to` begin `pitch` elements apart. Columns before `first` are not copied: the caller has
/// copied them.
template <int N, class S, class T>
void copy_elements(cpu_lane lane, const strided_block<const T>& from, int first, gmem_ptr<S> to, std::int64_t pitch) {
  for (int i = 0; i < from.rows; ++i) {
    for (int j = first; j < from.columns; ++j) lane.store(to + (i * pitch + j), convert<S>(lane.load(from.at(i, j))));
    for (int j = from.columns; j % N != 0; ++j) lane.store(to + (i * pitch + j), S(0));
  }
}

/// Copies a block whose rows are contiguous (column stride 1), in vectors of N elements, and fills each row of `to`
/// with zeros up to a multiple of N elements.
template <int N, class S, class T>
void copy_rows(cpu_lane lane, const strided_block<const T>& from, gmem_ptr<S> to, std::int64_t pitch) {
  const int whole = from.columns / N * N;
  for (int i = 0; i < from.rows; ++i)
    for (int j = 0; j < whole; j += N) lane.store(to + (i * pitch + j), convert<S>(lane.load(from.at(i, j), width<N>)));
  if (whole < from.columns) copy_elements<N>(lane, from, whole, to, pitch);
}

/// Copies a block whose columns are contiguous (row stride 1), in squares of N x N elements that are transposed in
/// registers; the last rows, fewer than N, are copied element by element. Fills each row of `to` with zeros up to a
/// multiple of N elements.
template <int N, class S, class T>
void copy_columns(cpu_lane lane, const strided_block<const T>& from, gmem_ptr<S> to, std::int64_t pitch) {
  const int whole = from.rows / N * N;
  for (int j = 0; j < from.columns; j += N) {
    for (int i = 0; i < whole; i += N) {  // down the columns, along which `from` is contiguous
      pack<S, N> square[N];
      TILERY_UNROLL
      for (int e = 0; e < N; ++e)
        square[e] = j + e < from.columns ? convert<S>(lane.load(from.at(i, j + e), width<N>)) : splat<N>(S(0));
      transpose(square);
      TILERY_UNROLL
      for (int e = 0; e < N; ++e) lane.store(to + ((i + e) * pitch + j), square[e]);
    }
  }
  auto rest = from;
  rest.data = from.at(whole, 0), rest.rows = from.rows - whole;
  copy_elements<N>(lane, rest, 0, to + whole * pitch, pitch);
}

/// to = from (rows x columns), converted to S. The rows of `to` are contiguous and begin `pitch` elements apart. Each
/// row is filled with zeros up to a multiple of N elements, the length of a vector of S.
template <int N, class S, class T>
void copy_block(cpu_lane lane, const strided_block<const T>& from, gmem_ptr<S> to, std::int64_t pitch) {
  if (from.column_stride == 1) return copy_rows<N>(lane, from, to, pitch);
  if (from.row_stride == 1) return copy_columns<N>(lane, from, to, pitch);
  copy_elements<N>(lane, from, 0, to, pitch);
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
